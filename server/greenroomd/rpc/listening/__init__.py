"""Where clients connect: addresses, Unix sockets and certificates."""
