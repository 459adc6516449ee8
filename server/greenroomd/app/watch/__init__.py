"""Everybody who follows the log: the shared tail, the watch of a client, and listeners."""
