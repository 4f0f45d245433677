"""What looks after the rest: alarms and who hears of them, comparisons, observers, and how long things are kept."""
