"""ProfileService: in the contract, not in this version; each of its methods answers UNIMPLEMENTED."""

from __future__ import annotations


class ProfileService:
    """Has no methods yet."""
