"""What the offers of a channel cost: followed from the list prices of a master, and kept like their quantities.

The machine is that of `olhubd.engine.levels`: one unsettled write a row, commands that are kept before they are
sent, reports, and a reading that settles. What is otherwise with a price is here.
"""
