"""Brings every file that the locks name into the Nix store by hash, with this machine's own package clients."""
