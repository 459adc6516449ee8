"""Converts domain values to messages and back. One file per resource; every function is total."""
