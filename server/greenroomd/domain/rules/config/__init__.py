"""The rules for a session's config: one table of checks for each part of it."""
