"""What Greenroom does: use cases and the background tasks behind them; they reach the outside through ports."""
