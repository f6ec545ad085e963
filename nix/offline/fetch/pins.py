"""The pins: which files must be in the store before a build, as the flake lists them (`nix/offline#lib.pins`)."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import store
from .errors import FetchError

KINDS = ("deb", "member", "url", "wheel")


@dataclass(frozen=True)
class Pin:
    """One file that the locks name.

    Attributes:
        name: its name in the store.
        kind: who brings it: "wheel" pip, "deb" apt, "member" apt too, but one program out of the package goes into the
            store; "url" a plain download.
        sha256: lower-case hex, of the file that is downloaded.
        requirement: what a person calls it; for a wheel pip's `name==version`.
        extra_index: address of the index that alone has this wheel, or "".
        path: for a package, its place below the mirror; for "url" the address.
        suite, component: of Debian's archive, for a package.
        member: for "member", the program's name in the package's tar; into the store goes a folder with bin/PROGRAM.
        nar_sha256: for "member", lower-case hex over that folder's NAR.
    """

    name: str
    kind: str
    sha256: str
    requirement: str = ""
    extra_index: str = ""
    path: str = ""
    suite: str = ""
    component: str = ""
    member: str = ""
    nar_sha256: str = ""

    @property
    def store_path(self) -> str:
        """Where the file belongs."""
        if self.kind == "member":
            return store.fixed_path(self.name, self.nar_sha256, recursive=True)
        return store.fixed_path(self.name, self.sha256)


def pin_of(entry: Mapping[str, Any]) -> Pin:
    """Return the pin that the flake wrote down.

    Raises:
        FetchError: the kind is unknown, or a field is missing.
    """
    if entry.get("kind") not in KINDS:
        raise FetchError(f"the pin {entry.get('name')} is of kind {entry.get('kind')!r}; known: {', '.join(KINDS)}")
    try:
        return Pin(
            name=entry["name"],
            kind=entry["kind"],
            sha256=entry["sha256"],
            requirement=entry.get("requirement", ""),
            extra_index=entry.get("extraIndex", ""),
            path=entry.get("path", entry.get("url", "")),
            suite=entry.get("suite", ""),
            component=entry.get("component", ""),
            member=entry.get("member", ""),
            nar_sha256=entry.get("narSha256", ""),
        )
    except KeyError as missing:
        raise FetchError(f"the pin {dict(entry)} has no {missing}") from missing


def sources_key(top: Path) -> str:
    """Return a hash over everything that the list of pins is computed from: the locks and the Nix files."""
    digest = hashlib.sha256()
    files = [top / name for name in ("flake.nix", "poetry.lock", "pyproject.toml")]
    files += [path for suffix in ("*.nix", "*.json") for path in sorted((top / "nix").rglob(suffix))]
    for path in files:
        content = path.read_bytes() if path.exists() else b""
        digest.update(f"{path.relative_to(top)}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Return where evaluated lists are kept: one file a state of the locks."""
    base = environ.get("XDG_CACHE_HOME") or str(Path(environ.get("HOME", "/")) / ".cache")
    return Path(base) / "coldstart"


def evaluated(flake: str, attribute: str = "pins") -> str:
    """Return a list of the flake's `lib` as JSON.

    Raises:
        FetchError: evaluation fails; with Nix's own words.
    """
    command = ["nix", "eval", "--json", f"{flake}#lib.{attribute}"]
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise FetchError(f"`{' '.join(command)}` failed:\n{done.stderr.decode(errors='replace').strip()}")
    return done.stdout.decode()


def listed(top: Path, flake: str, environ: Mapping[str, str] = os.environ) -> list[Pin]:
    """Return all pins of the checkout `top`, whose offline flake is `flake`.

    Evaluation takes seconds, so the answer is kept as long as nothing changes that it is computed from.
    """
    kept = cache_folder(environ) / f"pins-{sources_key(top)}.json"
    try:
        return [pin_of(entry) for entry in json.loads(kept.read_text(encoding="utf-8"))]
    except (OSError, ValueError):
        text = evaluated(flake)
    found = {pin.store_path: entry for entry in json.loads(text) for pin in [pin_of(entry)]}
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        for old in kept.parent.glob("pins-*.json"):
            old.unlink()
        kept.write_text(json.dumps(list(found.values())), encoding="utf-8")
    except OSError:
        pass  # A home that cannot be written to costs the next call these seconds, nothing else.
    return [pin_of(entry) for entry in found.values()]


def of_image(flake: str, image: str) -> list[Pin]:
    """Return the wheels of one image, for one whose accelerator wants others than `listed` has.

    Raises:
        FetchError: there is no such image.
    """
    return [pin_of(entry) for entry in json.loads(evaluated(flake, f"imagePins.{image}"))]
