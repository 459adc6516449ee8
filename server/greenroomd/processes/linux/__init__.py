"""What the Linux kernel offers: /proc, cgroups, and descriptors kept in reserve to read them."""
