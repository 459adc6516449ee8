"""What work costs: requests, tokens and dollars, what no turn is charged with yet, and list prices. Pure."""
