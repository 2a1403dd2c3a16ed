"""What a rulebook answers by itself: a file for each subject, put together in `stresslab.venues.rulebook`."""
