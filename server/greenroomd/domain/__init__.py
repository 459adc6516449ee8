"""What Greenroom decides: pure values and functions, without clocks, sockets or storage."""
