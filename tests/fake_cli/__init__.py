"""A scriptable fake of the `claude` CLI, for faults that the real one cannot be made to show, and for load."""
