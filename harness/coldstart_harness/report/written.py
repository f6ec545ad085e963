"""A report's files."""

from pathlib import Path

from coldstart_harness.errors import UsageError
from coldstart_harness.report.document import Report, document_of
from coldstart_harness.report.page import page_of


def ensure_directory(directory: Path) -> None:
    """Make the directory of a report, before anybody waits for what is to be written there.

    Raises:
        UsageError: it cannot be made.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"no report can be written to {directory}: {error}") from None


def write_report(report: Report, directory: Path) -> list[Path]:
    """Write `report.json` and `report.html`, each whole or not at all, and say where they are.

    Raises:
        UsageError: they cannot be written there.
    """
    document, page = directory / "report.json", directory / "report.html"
    ensure_directory(directory)
    try:
        # The document first: it holds everything, and drawing may fail.
        _write_whole(document, document_of(report))
        _write_whole(page, page_of(report))
    except OSError as error:
        raise UsageError(f"no report can be written to {directory}: {error}") from None
    return [document, page]


def _write_whole(path: Path, text: str) -> None:
    """Through another file in the same directory, so that a reader never meets half of it."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
