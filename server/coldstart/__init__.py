"""Coldstart's server: Python inference services that say ready only when they are."""
