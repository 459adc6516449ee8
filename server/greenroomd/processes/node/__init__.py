"""What concerns this machine as a whole: its state directory, allowed roots, what a dead server left behind."""
