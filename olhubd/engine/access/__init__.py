"""How an account reaches its system: connection, keys and tokens, sign-in, budgets, and whose system it is."""
