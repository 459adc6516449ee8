"""Values of the domain to messages and back: total functions, one file per resource."""
