"""What any daemon needs, whatever it is for: supervised tasks, the clock, logs, the service manager, threads.

Nothing here knows of orders, accounts, plugins or the database.
"""
