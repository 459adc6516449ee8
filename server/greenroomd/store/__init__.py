"""The durable state on SQLite or PostgreSQL: one writer with group commit, and concurrent readers."""
