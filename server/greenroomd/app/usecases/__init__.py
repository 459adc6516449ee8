"""What a caller can ask for: one file for each group of calls."""
