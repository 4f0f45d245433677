"""Reading what the systems tell: pollers, readers of feeds, sweeps, reading again, and the log of runs."""
