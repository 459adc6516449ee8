"""What one transaction writes: the plan of a batch, its prepared units, and their statements."""
