"""Reads what the CLI writes: lines of its stream-json, each as a frame or a control message. Pure."""
