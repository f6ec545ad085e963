"""Images at rest: what an engine saves of an image, read without extracting anything."""
