"""Build-time conversion of models into what the server's engines read; never part of an image."""
