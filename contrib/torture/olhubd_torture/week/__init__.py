"""A week of a seller's trade in minutes: the real hub, plugins and simulators under virtual time, and beside it the
same week as a program would carry it that copies all quantities once an hour.

plan        what buyers, the warehouse and bad luck do in the week, drawn from a seed
ledger      what is really there, what was sold of it, and for how long an offer showed something else
systems     the marketplaces, the shop, and how the plan acts on them
session     calls that go well, handed over in memory
transport   HTTP without a network, for those that may be struck
hub         the week with the hub
hourly      the week with an hourly copy
"""
