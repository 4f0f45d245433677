"""Offers that the hub makes and changes: what may be asked for, and what follows. Pure."""
