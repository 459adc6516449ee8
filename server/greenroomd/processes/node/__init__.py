"""What concerns this machine as a whole: its state directory, allowed roots, leftovers of a dead server."""
