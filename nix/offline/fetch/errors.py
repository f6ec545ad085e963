"""The one error of this package."""

from __future__ import annotations


class FetchError(Exception):
    """A sentence for the person at the terminal: what was met, what was wanted, and what helps."""
