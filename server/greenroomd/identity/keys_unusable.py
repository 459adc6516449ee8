"""The error of an issuer's keys, apart from what reads them: loading that takes time, and few servers need it."""


class KeysUnusable(Exception):
    """The keys cannot be read; the text says why."""
