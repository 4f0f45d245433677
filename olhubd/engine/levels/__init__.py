"""What each offer must show: computed from the stock, kept in rows, written in few calls, and read back."""
