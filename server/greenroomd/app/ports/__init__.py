"""What the application needs from the outside: processes, storage, profiles, observers."""
