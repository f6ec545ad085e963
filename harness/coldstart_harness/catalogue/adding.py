"""Entries written: of a model that is new, or of one that its makers have changed."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from coldstart_harness.catalogue.architectures import architecture_of
from coldstart_harness.catalogue.entries import Catalogue, Entry, Pin, path_of, read_entry
from coldstart_harness.catalogue.licenses import check_license, license_of, spdx_of, stated_license
from coldstart_harness.catalogue.sources import CARD, Source, pins_of
from coldstart_harness.errors import UsageError

_REFERENCE = re.compile(r"hf:([\w.-]+/[\w.-]+)(?:@([\w./-]+))?")


@dataclass(frozen=True, slots=True)
class Reference:
    """A repository on the Hub; without a revision what its main branch is."""

    repository: str
    revision: str | None


def reference_of(text: str) -> Reference:
    """`hf:REPO[@REV]`.

    Raises:
        UsageError: it is something else.
    """
    found = _REFERENCE.fullmatch(text)
    if found is None:
        raise UsageError(f"{text!r} does not name a model; wanted: hf:OWNER/NAME or hf:OWNER/NAME@REVISION")
    return Reference(found[1], found[2])


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a person says of a new model; None: it is found out.

    Args:
        name: of the entry.
        license: an SPDX expression.
        architecture: its name.
        directory: of the checkout, where the files stay.
    """

    name: str | None = None
    license: str | None = None
    architecture: str | None = None
    directory: str = ""


def new_entry(top: Path, catalogue: Catalogue, reference: Reference, source: Source, chosen: Chosen) -> Entry:
    """The entry of a model that the catalogue does not have.

    Raises:
        UsageError: there is one of that name; no conversion is known; or its licence does not let it be used.
    """
    name = chosen.name or reference.repository.partition("/")[2].lower()
    path = path_of(top, name)
    if path.exists():
        raise UsageError(f"{path.relative_to(top)} exists: `update {name}` renews it, --name names another")
    files = source.files
    if "config.json" not in files:
        raise UsageError(f"{reference.repository} has no config.json, by which a model is recognised")
    architecture = architecture_of(files, source.content("config.json"), chosen.architecture)
    license_ = _license_of(source, catalogue, chosen.license)
    for part in architecture.parts:
        others = catalogue.entry(part).licenses
        license_ = " AND ".join(dict.fromkeys((*license_.split(" AND "), *others)))
    check_license(name, license_, catalogue.policy)
    return Entry(
        name=name,
        repository=reference.repository,
        revision=source.revision,
        license=license_,
        architecture=architecture.name,
        task=architecture.task,
        directory=chosen.directory,
        parts=architecture.parts,
        files=pins_of(source, architecture.files_among(files)),
    )


def renewed_entry(top: Path, catalogue: Catalogue, name: str, source: Source) -> Entry:
    """An entry with the pins of another revision; what is known of a hash that stays is kept.

    Raises:
        UsageError: there is no such entry; a file that it needs is gone; or its licence is another now.
    """
    entry = read_entry(top, name)
    config = source.content("config.json") if "config.json" in source.files else b"{}"
    architecture = architecture_of(source.files, config, entry.architecture)
    # A choice among voices or forms stays the one that somebody made.
    kept = [file for file in entry.files if file in source.files]
    files = sorted({*kept, *(file for file in architecture.required if file in source.files)})
    architecture.files_among(files)
    pins = {file: _kept(entry.files.get(file), pin) for file, pin in pins_of(source, files).items()}
    if CARD in source.files:
        stated = stated_license(source.content(CARD).decode(errors="replace"), catalogue.policy)
        if stated not in (None, *entry.licenses):
            raise UsageError(f"the model card of {name} states the license {stated}; the entry has {entry.license}")
    check_license(name, entry.license, catalogue.policy)
    return replace(entry, revision=source.revision, files=pins)


def changes_between(old: Entry, new: Entry) -> list[str]:
    """What an update changes, one line each; none where nothing does."""
    lines = [] if old.revision == new.revision else [f"revision {old.revision} → {new.revision}"]
    for file in sorted({*old.files, *new.files}):
        before, after = old.files.get(file), new.files.get(file)
        if after is None:
            lines.append(f"{file} is gone")
        elif before is None:
            lines.append(f"{file} is new: {after.sha256}, {after.size} bytes")
        elif before.sha256 != after.sha256:
            lines.append(f"{file} {before.sha256} → {after.sha256}, {before.size} → {after.size} bytes")
    return lines


def _license_of(source: Source, catalogue: Catalogue, stated: str | None) -> str:
    if stated is not None:
        return " AND ".join(spdx_of(part, catalogue.policy) for part in stated.split(" AND "))
    if CARD not in source.files:
        raise UsageError(f"there is no model card ({CARD}) to read a licence from; give it with --license")
    return license_of(source.content(CARD).decode(errors="replace"), catalogue.policy)


def _kept(old: Pin | None, new: Pin) -> Pin:
    return old if old is not None and (old.sha256, old.size) == (new.sha256, new.size) else new
