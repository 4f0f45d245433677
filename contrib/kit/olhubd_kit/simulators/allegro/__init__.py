"""A stand-in for Allegro: one seller's account with its buyers, journal, orders and sign-in, kept in memory.

It answers by the official contract, its undocumented habits included. Several sellers are several simulators.
"""

from olhubd_kit.simulators.allegro.server import AllegroSimulator

__all__ = ["AllegroSimulator"]
