"""Which session gets one of the scarce processes: slots, admission by memory, warm processes."""
