"""What a live session makes of its process: its start, its output, its end, and whether another one follows."""
