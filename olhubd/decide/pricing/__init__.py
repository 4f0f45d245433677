"""What an offer costs: the price of a list, by the rule of its channel, and whether it may be sent.

rule      from a list price to the price of an offer, or why it has none
step      what is to be done with the price of one offer
alarms    which prices a person must look at
switch    whether the price of an offer follows its product at all
"""
