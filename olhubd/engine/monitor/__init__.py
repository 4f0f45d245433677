"""What looks after the rest: alarms and who receives them, comparisons, observers, and how long things are kept."""
