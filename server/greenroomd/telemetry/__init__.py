"""What the server tells its operator: log lines without secrets, and metrics with bounded labels."""
