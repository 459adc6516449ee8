"""What the operator decides: read once, complete and checked before anything starts."""
