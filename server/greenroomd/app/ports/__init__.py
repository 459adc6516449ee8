"""What the application asks of the outside: processes, storage, profiles, observers."""
