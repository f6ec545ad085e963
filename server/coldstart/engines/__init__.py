"""Engines, each behind a domain protocol; the only modules that import an inference library."""
