"""Long-running work of the server itself: recovery at start, expiry, retention, prewarming."""
