"""What Greenroom does: use cases and the long tasks behind them, speaking to the world through ports."""
