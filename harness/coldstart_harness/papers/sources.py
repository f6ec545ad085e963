"""What Nix tells of an image for its papers (nix/papers): its closure, and what it knows of store paths."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from coldstart_harness.errors import UsageError

STORE = "/nix/store/"


class _Known(BaseModel):
    model_config = ConfigDict(frozen=True)
    name: str
    version: str


class DebianPackage(_Known):
    """A Debian package: `path` is where Debian's pool has it, `sha256` its file's, in hex.

    `license` is that of the part which the image holds; None: its copyright file is in the image.
    """

    kind: Literal["debian"]
    path: str
    sha256: str
    license: str | None = None


class NixPackage(_Known):
    """A package of nixpkgs; `license` is an SPDX expression, None where nixpkgs has none."""

    kind: Literal["nixpkgs"]
    license: str | None = None


class Distribution(_Known):
    """A Python distribution, installed from the wheel `file`."""

    kind: Literal["python"]
    file: str
    sha256: str


class SourceFile(BaseModel):
    """A file of a model as it was published; `known` says how its hash is known."""

    model_config = ConfigDict(frozen=True)
    sha256: str
    size: int
    known: str


class Model(_Known):
    """A model in the form that one engine reads; `version` is its revision, `origin_name` says where it came from."""

    kind: Literal["model"]
    engine: str
    repository: str
    license: str
    architecture: str
    task: str
    origin: Literal["hub", "package", "repository"]
    origin_name: str
    parts: list[str]
    files: dict[str, SourceFile]


class OwnPart(_Known):
    """What this repository makes."""

    kind: Literal["own"]


Known = DebianPackage | NixPackage | Distribution | Model | OwnPart


class _Document(BaseModel):
    schema_version: Literal[1]
    at_root: list[str]
    known: dict[str, list[Annotated[Known, Field(discriminator="kind")]]]


@dataclass(frozen=True)
class Papers:
    """What there is to say of an image that its layers do not say.

    Args:
        closure: each store path that the image needs → those that it refers to, without itself.
        known: store path → what it holds; also of paths that this image does not need.
        at_root: store path whose content lies in `/` of the image → its paths there.
    """

    closure: Mapping[str, frozenset[str]]
    known: Mapping[str, tuple[Known, ...]]
    at_root: Mapping[str, frozenset[str]]


def read_papers(directory: Path) -> Papers:
    """Read what Nix wrote for an image.

    Raises:
        UsageError: it is not that, or a store path is gone that it names.
    """
    try:
        document = _Document.model_validate_json((directory / "known.json").read_bytes())
        closure = dict(_references_in((directory / "closure").read_text(encoding="utf-8")))
        at_root = {path: _paths_below(Path(path)) for path in document.at_root}
    except (OSError, ValidationError, ValueError) as error:
        raise UsageError(f"{directory} does not hold what Nix tells of an image: {error}") from None
    return Papers(closure, {path: tuple(known) for path, known in document.known.items()}, at_root)


def _references_in(graph: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Each path with its references: a block is the path, who derived it, a number, and as many references.

    Source: Nix manual, "Advanced Attributes", exportReferencesGraph; `nix-store --register-validity` reads this form.
    """
    lines = iter(graph.splitlines())
    for path in lines:
        next(lines, "")
        count = int(next(lines, ""))
        yield path, frozenset(next(lines, "") for _ in range(count)) - {path}


def _paths_below(directory: Path) -> frozenset[str]:
    if not directory.is_dir():
        raise ValueError(f"{directory} is not there")
    return frozenset(f"/{path.relative_to(directory).as_posix()}" for path in directory.rglob("*"))
