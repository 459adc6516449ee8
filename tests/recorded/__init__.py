"""A script of calls that a server must always answer alike, and their answers as text that can be compared."""
