"""Storage behind domain protocols."""
