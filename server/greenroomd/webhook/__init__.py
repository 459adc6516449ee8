"""The webhook: a listener like any other that sends signed events to a URL."""
