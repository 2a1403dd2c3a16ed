"""From counts and sums to numbers with an interval."""
