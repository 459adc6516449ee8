"""Migrations from an empty database to tables.py, one for each version that changed it."""
