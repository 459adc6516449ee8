"""Builds the server from its settings; the only room that knows all others."""
