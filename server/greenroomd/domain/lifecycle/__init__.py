"""How a live session decides: orders, what its process says, and time."""
