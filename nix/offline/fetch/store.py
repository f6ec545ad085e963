"""The Nix store, as far as fixed-output paths go: where a file belongs, whether it is there, how it gets there."""

from __future__ import annotations

import hashlib
import struct
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from .errors import FetchError

STORE_DIR = "/nix/store"
_BASE32 = "0123456789abcdfghijklmnpqrsvwxyz"
_PATH_HASH_BYTES = 20


def base32(data: bytes) -> str:
    """Return Nix's base-32 of `data`: its own alphabet (no e, o, t, u), last bits first."""
    digits = (len(data) * 8 + 4) // 5
    number = int.from_bytes(data, "little")
    return "".join(_BASE32[(number >> (5 * index)) & 31] for index in reversed(range(digits)))


def _compressed(digest: bytes) -> bytes:
    folded = bytearray(_PATH_HASH_BYTES)
    for index, byte in enumerate(digest):
        folded[index % _PATH_HASH_BYTES] ^= byte
    return bytes(folded)


def fixed_path(name: str, sha256: str, *, recursive: bool = False) -> str:
    """Return the store path of a fixed output, as `nix-store --print-fixed-path` does, without starting Nix.

    Args:
        name: file name in the store.
        sha256: lower-case hex; of the file's bytes, or with `recursive` of its NAR serialisation.

    Source: Nix manual, "Store path specification": recursive sha256 paths are of type `source`, all others are of type
    `output:out` over the hash of `fixed:out:…`.
    """
    if recursive:
        kind, inner = "source", sha256
    else:
        kind, inner = "output:out", hashlib.sha256(f"fixed:out:sha256:{sha256}:".encode()).hexdigest()
    digest = hashlib.sha256(f"{kind}:sha256:{inner}:{STORE_DIR}:{name}".encode()).digest()
    return f"{STORE_DIR}/{base32(_compressed(digest))}-{name}"


def _framed(data: bytes) -> bytes:
    return struct.pack("<Q", len(data)) + data + b"\0" * (-len(data) % 8)


def _nar_node(words: Iterable[bytes]) -> bytes:
    return b"".join(_framed(word) for word in words)


def nar_of_program(folder: str, name: str, content: bytes) -> bytes:
    """Return the NAR serialisation of a directory that holds one executable, `folder/name`.

    Source: Nix manual, "Nix Archive (NAR) format".
    """
    node = _nar_node([b"(", b"type", b"regular", b"executable", b"", b"contents", content, b")"])
    for entry in (name, folder):
        opened = _nar_node([b"(", b"type", b"directory", b"entry", b"(", b"name", entry.encode(), b"node"])
        node = opened + node + _nar_node([b")", b")"])
    return _framed(b"nix-archive-1") + node


def add(file: Path, expected: str, *, recursive: bool = False) -> None:
    """Add a file to the store under its own name.

    Raises:
        FetchError: Nix fails, or the file lands elsewhere than at `expected`.
    """
    flags = ["--recursive"] if recursive else []
    command = ["nix-store", "--add-fixed", *flags, "sha256", str(file)]
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603
    landed = done.stdout.decode().strip()
    if done.returncode != 0:
        raise FetchError(f"nix-store could not add {file.name}: {done.stderr.decode(errors='replace').strip()}")
    if landed != expected:
        raise FetchError(f"{file.name} landed at {landed}; its pin belongs at {expected}")


def absent(paths: Sequence[str]) -> list[str]:
    """Return those of `paths` that the store does not hold (a path that only lies there, unregistered, it does not)."""
    if not paths:
        return []
    command = ["nix-store", "--check-validity", "--print-invalid", *paths]
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise FetchError(f"nix-store could not look: {done.stderr.decode(errors='replace').strip()}")
    missing = set(done.stdout.decode().split())
    return [path for path in paths if path in missing]


def keep(roots: Path, paths: Sequence[str]) -> None:
    """Make `roots` a folder of garbage-collector roots for exactly `paths`.

    Paths that were added by hand have no derivation that keeps them: without a root the next collection takes them.
    Nix registers a link to each root; one whose folder is gone, with the checkout, counts no more.

    Raises:
        FetchError: Nix could not register them.
    """
    roots.mkdir(parents=True, exist_ok=True)
    links = list(roots.iterdir())
    if {str(link.resolve()) for link in links} == set(paths):
        return
    for link in links:
        link.unlink()
    # One call makes all the links: pin, pin-2, pin-3, …
    command = ["nix-store", "--realise", *paths, "--add-root", str(roots / "pin"), "--indirect"]
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise FetchError(f"no roots in {roots}: {done.stderr.decode(errors='replace').strip()}")
