"""The general account engine: books of accounts of positions, changed by orders as a path goes on."""
