"""Following the log: the shared tail, the watches of clients, and listeners."""
