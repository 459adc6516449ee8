"""The output of a `claude` process as values: one frame per line of its stream-json."""
