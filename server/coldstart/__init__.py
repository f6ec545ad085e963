"""Coldstart's server: Python inference services that say ready only when they are."""

__version__ = "0.1.0"
