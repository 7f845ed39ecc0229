"""torch.backends.opt_einsum: the order of a long einsum's products. The package is not used: left to right."""

from __future__ import annotations

enabled = False
strategy: str | None = None


def is_available() -> bool:
    """Whether the opt_einsum package is used: False.

    Example:
        >>> import facula as torch
        >>> torch.backends.opt_einsum.is_available()
        False
    """
    return False


def get_opt_einsum():
    """The package: None."""
    return None
