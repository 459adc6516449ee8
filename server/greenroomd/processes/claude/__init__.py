"""Everything that knows the claude CLI: flags, environment, stream-json, control requests, files."""
