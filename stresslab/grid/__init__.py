"""A study as work: the plan, one block of it, and the executors that all give the same bytes."""
