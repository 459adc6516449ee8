"""This machine as a whole: its state directory, allowed roots, and the processes of a dead server."""
