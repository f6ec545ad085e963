"""The licences of an image as a table."""

from collections import Counter
from collections.abc import Sequence

from rich.table import Table

from coldstart_harness.papers.items import Item
from coldstart_harness.papers.policy import UNKNOWN, Verdict

_KINDS = {"debian": "Debian package", "nixpkgs": "package", "python": "Python", "model": "model", "own": "own"}


def license_table(judged: Sequence[tuple[Item, Verdict]]) -> Table:
    """A line for each item, the worst first."""
    table = Table(title="Licences", title_justify="left")
    for heading in ("component", "version", "kind", "licence", "known from", "policy"):
        table.add_column(heading, overflow="fold")
    for item, verdict in sorted(judged, key=lambda pair: (-pair[1], pair[0].kind, pair[0].name)):
        names = ", ".join(item.licences.names) or UNKNOWN
        source = item.licences.source.replace(item.store_path, "…")
        table.add_row(item.name, item.version, _KINDS[item.kind], names, source, verdict.words)
    return table


def license_summary(judged: Sequence[tuple[Item, Verdict]]) -> str:
    """How many of each verdict, in one line."""
    counts = Counter(verdict for _item, verdict in judged)
    return ", ".join(f"{counts[verdict]} {verdict.words}" for verdict in Verdict)
