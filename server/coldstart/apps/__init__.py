"""Entry points: the only modules that name concrete engines and read the environment."""
