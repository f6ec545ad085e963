"""`prove` from end to end: which proofs run on what, what a person watches, and what is left behind."""
