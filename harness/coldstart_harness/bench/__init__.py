"""`bench`: how fast an image is built, loaded, started and answers, as a table and as JSON."""
