"""Talks over the pipes of the CLI: the handshake, control requests and answers, frames until they are taken."""
