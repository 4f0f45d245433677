"""What each resource takes and answers, as typed records: a module for each module of handlers beside this folder.

The command line reads the same records, so nothing here imports the engine.
"""
