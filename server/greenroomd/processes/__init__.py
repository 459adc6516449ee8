"""Runs `claude` processes on this machine: starts them, speaks their protocol, rations them and proves their end."""
