"""The protocol on the pipes of the CLI: lines, frames, control requests and their answers."""
