"""Directories that sessions name: opened and checked once, and looked at in threads, as a file system may hang."""
