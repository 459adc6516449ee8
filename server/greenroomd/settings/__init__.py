"""What the operator decides, read once."""
