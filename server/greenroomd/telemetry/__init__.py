"""Telemetry for the operator: log lines without secrets, and metrics with bounded labels."""
