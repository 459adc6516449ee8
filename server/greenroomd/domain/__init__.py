"""Greenroom's decisions: pure values and functions, without clocks, sockets or storage."""
