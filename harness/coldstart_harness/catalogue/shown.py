"""The catalogue as tables."""

from collections.abc import Sequence

from rich.table import Table

from coldstart_harness.catalogue.download import HUB, Wanted
from coldstart_harness.catalogue.entries import Catalogue, Entry
from coldstart_harness.catalogue.verifying import Verdict
from coldstart_harness.figures import format_bytes

_REVISION_CHARACTERS = 12


def list_table(catalogue: Catalogue) -> Table:
    """All entries, one row each, and what they weigh together."""
    table = Table("model", "sets", "task", "architecture", "revision", box=None, pad_edge=False)
    table.add_column("files", justify="right")
    table.add_column("size", justify="right")
    table.add_column("licence")
    for name, entry in sorted(catalogue.entries.items()):
        table.add_row(
            name,
            ", ".join(catalogue.sets_of(name)) or "none",
            entry.task,
            entry.architecture,
            entry.revision if entry.origin == "package" else entry.revision[:_REVISION_CHARACTERS],
            str(len(entry.files)) if entry.files else "",
            format_bytes(entry.size) if entry.files else "",
            entry.license,
        )
    table.add_section()
    entries = catalogue.entries.values()
    table.add_row(
        "all", "", "", "", "", str(sum(len(e.files) for e in entries)), format_bytes(sum(map(_size, entries)))
    )
    return table


def entry_lines(catalogue: Catalogue, entry: Entry) -> list[str]:
    """What the catalogue says of one entry, apart from its files."""
    facts = {
        "served as": entry.served_as,
        "repository": entry.repository,
        "revision": entry.revision,
        "licence": entry.license,
        "architecture": entry.architecture,
        "task": entry.task,
        "comes from": {"hub": f"{HUB}, or a mirror", "checkout": entry.directory}.get(entry.origin, entry.package),
        "with": ", ".join(entry.parts),
        "sets": ", ".join(catalogue.sets_of(entry.name)) or "none",
        "size": format_bytes(entry.size) if entry.files else "",
        "note": entry.note,
    }
    return [f"{name}: {value}" for name, value in facts.items() if value]


def file_table(entry: Entry) -> Table:
    """The files of one entry."""
    table = Table("file", box=None, pad_edge=False)
    table.add_column("size", justify="right")
    for title in ("sha256", "known"):
        table.add_column(title, no_wrap=True)
    for file, pin in entry.files.items():
        table.add_row(file, format_bytes(pin.size), pin.sha256, pin.known)
    return table


def addresses(entry: Entry) -> list[str]:
    """Where the Hub has the files of an entry."""
    if entry.origin != "hub":
        return []
    return [Wanted(entry.repository, entry.revision, file).url(HUB) for file in entry.files]


def verdict_lines(verdicts: Sequence[Verdict]) -> list[str]:
    """A line for each model that is as the catalogue says, and for everything that is not."""
    lines = []
    for verdict in verdicts:
        lines += [f"{verdict.model}: {problem}" for problem in verdict.problems] or [
            f"{verdict.model}: as the catalogue says ({verdict.compared})"
        ]
    return lines


def _size(entry: Entry) -> int:
    return entry.size
