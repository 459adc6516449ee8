"""The durable state on SQLite or PostgreSQL: one writer with group commit, and readers beside it."""
