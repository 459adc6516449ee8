"""Work of the CLI beside its turns: tasks and timers, and how long they keep a process. Pure."""
