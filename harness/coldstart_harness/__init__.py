"""Tools that build, start, prove and measure images from outside; imports nothing of the server."""

__version__ = "0.1.0"
