"""The way from an empty database to tables.py, one step for each version that changed it."""
