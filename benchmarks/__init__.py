"""Benchmarks: every figure is a ratio against a baseline that is timed in the same run. See README.md beside this file."""
