"""The Greenroom API for Python: messages and stubs are in `greenroom.v1`."""

__version__ = "0.1.0"
