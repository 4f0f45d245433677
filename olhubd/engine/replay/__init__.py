"""Inputs as they were kept, and deciding again what was decided from them."""
