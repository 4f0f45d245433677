"""Pure decisions over the canonical records: what changed, what follows, what is to be delivered. No I/O, no
clock."""
