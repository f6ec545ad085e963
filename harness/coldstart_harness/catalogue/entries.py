"""The entries of the catalogue: as Nix hands them over, and as their files in a checkout."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coldstart_harness.errors import UsageError

# Where the entries lie in a checkout.
DIRECTORY = Path("nix/models/catalogue")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Pin:
    """One file of a model: sha256 in lower-case hex, size in bytes, and how the hash is known."""

    sha256: str
    size: int
    known: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One model.

    Args:
        name: by which model sets and images call it, and clients where `served_as` is empty.
        repository: on the Hub, or what would be its name there.
        license: an SPDX expression.
        architecture: decides conversion and engine.
        task: what it is for.
        revision: a commit; for what a package brings, the package and its version.
        files: path in the repository → pin; none where a package brings the model.
        directory: of the checkout, where the files lie; empty: they are the Hub's.
        package: that brings the model; empty: none does.
        parts: entries whose source goes into its artifact, too.
        note: for people.
        served_as: by which clients call it; several entries that have it in common are revisions of one model.
    """

    name: str
    repository: str
    license: str
    architecture: str
    task: str
    revision: str = ""
    files: Mapping[str, Pin] = field(default_factory=dict)
    directory: str = ""
    package: str = ""
    parts: tuple[str, ...] = ()
    note: str = ""
    served_as: str = ""

    @property
    def served_name(self) -> str:
        """By which clients call it, and manifests name it."""
        return self.served_as or self.name

    @property
    def size(self) -> int:
        """Bytes of all files; 0 where a package brings the model."""
        return sum(pin.size for pin in self.files.values())

    @property
    def licenses(self) -> tuple[str, ...]:
        """Those of the expression."""
        return tuple(self.license.split(" AND "))

    @property
    def origin(self) -> str:
        """Where its bytes come from: `hub`, `checkout` or `package`."""
        if self.package:
            return "package"
        return "checkout" if self.directory else "hub"


@dataclass(frozen=True, slots=True)
class Policy:
    """Which licences a model may have: identifiers, of which the first two kinds may end in `*`."""

    open: tuple[str, ...]
    refused: tuple[str, ...]
    accepted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every entry, the model sets that name them, the policy, and what builds an entry's volume, if it may be built."""

    entries: Mapping[str, Entry]
    sets: Mapping[str, tuple[str, ...]]
    policy: Policy
    volumes: Mapping[str, Path] = field(default_factory=dict)

    def entry(self, name: str) -> Entry:
        """The entry of that name.

        Raises:
            UsageError: there is none; the sentence names those that there are.
        """
        try:
            return self.entries[name]
        except KeyError:
            known = ", ".join(sorted(self.entries))
            raise UsageError(f"the catalogue has no model {name!r}; it has: {known}") from None

    def sets_of(self, name: str) -> list[str]:
        """The model sets that name an entry."""
        return [model_set for model_set, names in self.sets.items() if name in names]


def load_catalogue(path: Path) -> Catalogue:
    """Read the catalogue that Nix wrote.

    Raises:
        UsageError: the file is missing or is not a catalogue.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        policy = {kind: tuple(document["licenses"][kind]) for kind in ("open", "refused", "accepted")}
        return Catalogue(
            entries={name: _entry_of(name, entry) for name, entry in document["entries"].items()},
            sets={name: tuple(names) for name, names in document["sets"].items()},
            policy=Policy(**policy),
            volumes={name: Path(derivation) for name, derivation in document["volumes"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path} is not a catalogue that `nix run` hands to the harness: {error!r}") from None


def path_of(top: Path, name: str) -> Path:
    """The file of an entry in a checkout.

    Raises:
        UsageError: the name could not be that of a file, a store path and a layer; or this is no checkout.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name for a model: lower-case letters, digits, '.', '_' and '-' are")
    if not (top / DIRECTORY).is_dir():
        raise UsageError(f"run it from the top of the checkout: {top} has no {DIRECTORY}")
    return top / DIRECTORY / f"{name}.json"


def read_entry(top: Path, name: str) -> Entry:
    """An entry as the checkout has it now.

    Raises:
        UsageError: there is none, or it is not one.
    """
    path = path_of(top, name)
    try:
        return _entry_of(name, json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        known = ", ".join(sorted(file.stem for file in path.parent.glob("*.json")))
        raise UsageError(f"the catalogue has no model {name!r}; it has: {known}") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path} is not an entry: {error!r}") from None


def write_entry(top: Path, entry: Entry) -> Path:
    """Write an entry into the checkout, and return its file."""
    path = path_of(top, entry.name)
    path.write_text(entry_text(entry), encoding="utf-8")
    return path


def entry_text(entry: Entry) -> str:
    """An entry in the form in which all are written: the same fields in the same order, files by name."""
    files = {
        file: {"sha256": pin.sha256, "size": pin.size, "known": pin.known} for file, pin in sorted(entry.files.items())
    }
    document = {
        "note": entry.note,
        "served_as": entry.served_as,
        "repository": entry.repository,
        "revision": entry.revision,
        "directory": entry.directory,
        "package": entry.package,
        "license": entry.license,
        "architecture": entry.architecture,
        "task": entry.task,
        "parts": list(entry.parts),
        "files": files,
    }
    return json.dumps({name: value for name, value in document.items() if value}, indent=2, ensure_ascii=False) + "\n"


def _entry_of(name: str, document: Mapping[str, Any]) -> Entry:
    files = {
        file: Pin(pin["sha256"], int(pin["size"]), pin["known"]) for file, pin in document.get("files", {}).items()
    }
    return Entry(
        name=name,
        repository=document["repository"],
        license=document["license"],
        architecture=document["architecture"],
        task=document["task"],
        revision=document.get("revision", ""),
        files=files,
        directory=document.get("directory", ""),
        package=document.get("package", ""),
        parts=tuple(document.get("parts", ())),
        note=document.get("note", ""),
        served_as=document.get("served_as", ""),
    )
