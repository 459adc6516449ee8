"""The one writer: batches of units, each committed in one transaction."""
