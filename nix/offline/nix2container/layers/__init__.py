"""Layers and images out of store paths, and their way into Docker, Podman, registries and files.

Read in this order: `model` (what is stored), `tree` and `tar` (from store paths to one stream of bytes), `build` (what
runs inside Nix), then the ways out: `docker_archive`, `docker_daemon`, `podman`, `registry`, `oci_directory`, joined by
`copy`.

A layer is never stored as a tar: its derivation keeps the hash and size of the tar, and the paths that it is made of;
the same bytes are made again whenever they are wanted. Standard library only, because it runs inside a Nix sandbox.
"""
