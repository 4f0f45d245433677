"""Connectors that are wrong on purpose, for testing the conformance kit. Nothing here is an example to follow."""
