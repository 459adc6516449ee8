"""Reads: of single records, lists and the log, each statement its own snapshot."""
