"""Turns frames of the CLI into events: whole messages, pieces in progress, and those never finished. Pure."""
