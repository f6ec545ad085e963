"""Entries written: of a model that is new, or of one that its makers have changed."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from coldstart_harness.catalogue.architectures import architecture_of
from coldstart_harness.catalogue.entries import Catalogue, Entry, Pin, Policy, path_of, read_entry
from coldstart_harness.catalogue.licenses import check_license, license_of, spdx_of, stated_license
from coldstart_harness.catalogue.sources import CARD, COMMIT, Source, pins_of
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
        UsageError: there is one of that name; no conversion is known; nothing says at which commit the Hub has it; or
            its licence does not let it be used.
    """
    name = chosen.name or reference.repository.partition("/")[2].lower()
    path = path_of(top, name)
    if path.exists():
        raise UsageError(f"{path.relative_to(top)} exists: `update {name}` renews it, --name names another")
    files = source.files
    if "config.json" not in files:
        raise UsageError(f"{reference.repository} has no config.json, by which a model is recognised")
    architecture = architecture_of(files, source.content("config.json"), chosen.architecture)
    license_ = _with_parts(_license_of(source, catalogue, chosen.license), architecture.parts, catalogue)
    check_license(name, license_, catalogue.policy)
    return Entry(
        name=name,
        repository=reference.repository,
        revision=_revision_of(source, chosen.directory),
        license=license_,
        architecture=architecture.name,
        task=architecture.task,
        directory=chosen.directory,
        parts=architecture.parts,
        files=pins_of(source, architecture.files_among(files)),
    )


def renewed_entry(top: Path, catalogue: Catalogue, name: str, source: Source, stated: str | None = None) -> Entry:
    """An entry with the pins of another revision; what is known of a hash that stays is kept.

    Args:
        top: of the checkout.
        catalogue: for its policy, and the licences of parts.
        name: of the entry.
        source: the repository at the other revision.
        stated: the licence that a person states, whatever the card does; None: the entry's, which the card must state.

    Raises:
        UsageError: there is no such entry; a file that it needs is gone; nothing says at which commit the Hub has it;
            or its licence is another now.
    """
    entry = read_entry(top, name)
    config = source.content("config.json") if "config.json" in source.files else b"{}"
    architecture = architecture_of(source.files, config, entry.architecture)
    # A choice among voices or forms stays the one that somebody made.
    kept = [file for file in entry.files if file in source.files]
    files = sorted({*kept, *(file for file in architecture.required if file in source.files)})
    architecture.files_among(files)
    pins = {file: _kept(entry.files.get(file), pin) for file, pin in pins_of(source, files).items()}
    if stated is None:
        license_ = entry.license
        _check_card(source, entry, catalogue.policy)
    else:
        license_ = _with_parts(_license_of(source, catalogue, stated), entry.parts, catalogue)
    check_license(name, license_, catalogue.policy)
    return replace(entry, revision=_revision_of(source, entry.directory), license=license_, files=pins)


def changes_between(old: Entry, new: Entry) -> list[str]:
    """What an update changes, one line each; none where nothing does."""
    lines = [] if old.revision == new.revision else [f"revision {old.revision} → {new.revision}"]
    if old.license != new.license:
        lines.append(f"license {old.license} → {new.license}")
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


def _with_parts(license_: str, parts: tuple[str, ...], catalogue: Catalogue) -> str:
    others = [other for part in parts for other in catalogue.entry(part).licenses]
    return " AND ".join(dict.fromkeys((*license_.split(" AND "), *others)))


def _check_card(source: Source, entry: Entry, policy: Policy) -> None:
    if CARD not in source.files:
        return
    stated = stated_license(source.content(CARD).decode(errors="replace"), policy)
    if stated not in (None, *entry.licenses):
        raise UsageError(
            f"the model card of {entry.name} states the license {stated}; the entry has {entry.license}: read what its "
            "makers say, and give it with --license"
        )


def _revision_of(source: Source, directory: str) -> str:
    """What an entry pins: of files that are not the checkout's a commit, for a branch moves."""
    if not directory and not COMMIT.fullmatch(source.revision):
        raise UsageError(f"{source.revision!r} is no commit; wanted are the 40 hex digits of the one that was copied")
    return source.revision


def _kept(old: Pin | None, new: Pin) -> Pin:
    return old if old is not None and (old.sha256, old.size) == (new.sha256, new.size) else new
