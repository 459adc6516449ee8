"""Builds the server from its settings; the only package that imports all others."""
