"""Pure decisions over the canonical records: what changed, what follows, what is owed. No I/O, no clock."""
