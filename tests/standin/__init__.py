"""A scriptable stand-in for the model's HTTP API, so that the real CLI runs whole turns without network or key."""
