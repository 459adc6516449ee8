"""The rules for values from callers: one table of checks for each kind of value."""
