"""The catalogue of models: what it says, how entries are written, and whether models are the ones that it names."""
