"""A week of a seller's trade in minutes: the real hub, plugins and simulators under virtual time, and beside it the
same week as a program would carry it that copies all quantities once an hour.

plan        what buyers, the warehouse and bad luck do in the week, drawn from a seed
ledger      what is really there, what was sold of it, and for how long an offer showed something else
systems     the marketplaces, the shop, and how the plan acts on them
transport   HTTP without a network
hub         the week with the hub
hourly      the week with an hourly copy
"""
