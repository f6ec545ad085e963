"""Reports of proofs: the document that programs read, and the page that people read."""
