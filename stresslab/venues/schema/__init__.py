"""What may stand in configs/venues/*/*.yaml: a file for each section, put together in `rules`."""
