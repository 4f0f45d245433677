"""Reading what the systems have: pollers, readers of feeds, sweeps, reading again, and the log of runs."""
