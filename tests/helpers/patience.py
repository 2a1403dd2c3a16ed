"""How long a test waits for another process: a guard against one that never ends, no bound on how quick it must be."""

PATIENCE = 1800.0  # seconds
