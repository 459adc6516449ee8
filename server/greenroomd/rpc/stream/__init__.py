"""Events on the wire: their bytes, cursors and frames, and the stream of one watch."""
