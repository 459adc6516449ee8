"""What a caller may give: one table of checks for each kind of value."""
