"""Operating system processes: start, pipes, signals, limits and a proven end; knows nothing of claude."""
