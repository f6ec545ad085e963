"""docs/interview-storage.md against what it documents."""

import re
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from coldstart.runtime.settings import Settings
from coldstart.services import interview_retention
from coldstart.services.interview_retention import InterviewRetention
from coldstart.storage.answer_files import AnswerFiles

PAGE = (Path(__file__).parents[2] / "docs" / "interview-storage.md").read_text(encoding="utf-8")


class Nothing:
    """A database and jobs of no interview; nobody asks them here."""

    def expired(self, **_: object) -> list[str]:
        return []

    def finish_idle(self, **_: object) -> list[str]:
        return []

    def enqueue_report(self, interview_id: str) -> None:
        pass

    def delete(self, interview_id: str) -> None:
        pass

    def known(self, interview_ids: object) -> list[str]:
        return []

    def forget(self, interview_id: str) -> None:
        pass


def test_the_documented_directories_are_those_that_are_made(tmp_path: Path) -> None:
    """Each has a row, and no other has one."""
    AnswerFiles(tmp_path / "kept", min_free_bytes=0)
    made = {path.name for path in (tmp_path / "kept").iterdir()}
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == made


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("interview_root", "`/var/lib/coldstart`"),
        ("interview_min_free_bytes", "(256 MiB)"),
        ("interview_idle_hours", "(24)"),
        ("interview_keep_days", "(90)"),
        ("interview_keep_count", "(10,000)"),
    ],
)
def test_the_documented_defaults_are_the_defaults(name: str, written: str) -> None:
    """Each stands in the sentence that names the variable."""
    default = Settings.model_fields[name].default
    shown = f"{default / 2**20:g} MiB" if name.endswith("_bytes") else str(default)
    shown = f"{default:,.0f}" if name.startswith(("interview_keep", "interview_idle")) else shown
    assert written.strip("`()") == shown
    assert re.search(rf"{name.upper()}[^.]*{re.escape(written)}", PAGE)


def test_the_documented_times_and_numbers_of_retention_are_those_it_keeps_to() -> None:
    """Ten minutes, half an hour, a hundred."""
    assert "Every ten minutes" in PAGE
    assert interview_retention._PAUSE_S == 10 * 60
    assert PAGE.count("half an hour") == 3
    assert interview_retention._UNTOUCHED_S == 30 * 60
    assert "up to 100 interviews a round" in PAGE
    assert interview_retention._MAX_DELETED == 100
    assert "More than 100 interviews that the database does not know" in PAGE
    assert interview_retention._MAX_UNKNOWN == 100


def test_the_documented_metrics_are_those_there_are(tmp_path: Path) -> None:
    """Each by its name."""
    files = AnswerFiles(tmp_path / "kept", min_free_bytes=0)
    retention = InterviewRetention(Nothing(), Nothing(), files, idle_hours=1, keep_days=1, keep_count=1)
    registry = CollectorRegistry()
    for collector in retention.collectors:
        registry.register(collector)
    told = re.findall(r"^# TYPE (\w+)", generate_latest(registry).decode(), re.MULTILINE)
    documented = re.findall(r"`(\w+)`", PAGE.partition("`/metrics` has")[2].partition("\n\n")[0])
    assert sorted(documented) == sorted(name for name in told if not name.endswith("_created"))
