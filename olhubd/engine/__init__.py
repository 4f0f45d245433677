"""When things happen: supervisor, poller, sweeper, dispatcher, budgets, tokens, clock."""
