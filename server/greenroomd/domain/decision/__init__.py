"""How one decision about a live session is made: what is known, what changes, and what is to be done afterwards."""
