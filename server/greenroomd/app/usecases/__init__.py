"""The use cases: one file for each group of calls."""
