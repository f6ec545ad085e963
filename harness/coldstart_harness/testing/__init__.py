"""`test`: every test there is, wherever it runs, and one summary."""
