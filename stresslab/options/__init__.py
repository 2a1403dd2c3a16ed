"""European options: Black-76, the implied volatility of a path, books of options, and their portfolio margin."""
