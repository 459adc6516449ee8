"""The operator's settings: read once, and checked completely before anything starts."""
