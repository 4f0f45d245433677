"""What people do: with orders, with what waits for them, and with accounts."""
