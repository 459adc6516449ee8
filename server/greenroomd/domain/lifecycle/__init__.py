"""How a live session reacts to orders, to its process's output, and to time."""
