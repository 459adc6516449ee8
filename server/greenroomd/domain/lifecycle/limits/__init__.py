"""What ends a turn or a session early: its budget, its output, an API that keeps failing. Pure."""
