"""Sends events to a URL, signed: a listener as anybody could write one, kept with the server."""
