"""Load on the interview: its users against a stand-in, and what its checks find."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from loadtests.interview_checks import (
    why_no_question,
    why_not_accepted,
    why_not_begun,
    why_not_each_once,
    why_not_under_way,
)
from tests.interview_stand_in import interviewing

ROOT = Path(__file__).parents[2]
SECONDS = "6"
SLO = """
version = 1
[service.interview]
port = 1
liveness = "/livez"
readiness = "/readyz"
requests.create = { path = "/sessions/create", json = {}, expect = { status = 201 } }
promises = { p99_ms = 5000, deadline_s = 5 }
"""
STEPS = {
    "create",
    "interview: begin",
    "interview: answer",
    "interview: finish",
    "interview: state",
    "interview: report",
    "interview: delete",
}


def load(url: str, directory: Path) -> tuple[int, str]:
    """Run the command with eight users: exit status, and all that it printed, without breaks of lines."""
    slo = directory / "slo.toml"
    slo.write_text(SLO)
    flags = ["--host", url, "--slo", str(slo), "--users", "8", "--duration", SECONDS]
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT / 'harness'}:{ROOT}", "HOME": "/nonexistent"}
    done = subprocess.run(  # noqa: S603 - the interpreter that runs the tests
        [sys.executable, "-m", "loadtests", *flags, "--csv", str(directory / "load")],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, " ".join((done.stdout + done.stderr).split())


def names_in(directory: Path) -> set[str]:
    """Of the requests that were sent, as locust's table has them."""
    lines = (directory / "load_stats.csv").read_text().splitlines()[1:]
    return {line.split(",")[1] for line in lines} - {"Aggregated"}


def test_interviews_are_taken_to_their_reports(tmp_path: Path) -> None:
    """Every step is made, whole interviews are rightly answered, and what was begun is deleted."""
    with interviewing() as stand_in:
        status, said = load(stand_in.url, tmp_path)
        left = len(stand_in.interviews)
    assert status == 0, said
    assert names_in(tmp_path) >= STEPS
    # The command began one before any user came.
    assert left == 1


def test_a_report_that_is_not_what_was_accepted_breaks_the_run(tmp_path: Path) -> None:
    """The verdict has the sentence."""
    with interviewing("twice") as stand_in:
        status, said = load(stand_in.url, tmp_path)
    assert status == 1, said
    assert "in the report more than once: the answer to question 1" in said
    assert "broken: error_ratio" in said


def test_who_is_answered_wrongly_leaves_nothing_behind(tmp_path: Path) -> None:
    """The interview is deleted before another is begun."""
    with interviewing("altered") as stand_in:
        status, said = load(stand_in.url, tmp_path)
        left = len(stand_in.interviews)
    assert status == 1, said
    assert "accepted was 'something else' for question 1" in said
    # That of the command.
    assert left == 1


def report(*answers: tuple[int, str]) -> dict[str, Any]:
    entries: list[dict[str, Any]] = [{"number": number, "answer": {"text": text}} for number, text in answers]
    return {"questions": [*entries, {"number": 9, "answer": None}]}


def test_each_accepted_answer_is_in_the_report_once() -> None:
    """A question without an answer is no answer; one that nobody accepted is told."""
    accepted = {1: "a", 2: "b"}
    assert why_not_each_once(accepted, report((1, "a"), (2, "b"))) is None
    assert why_not_each_once({}, report((1, "a"))) == "in the report and never accepted: the answer to question 1"
    twice = why_not_each_once(accepted, report((1, "a"), (2, "b"), (2, "b")))
    assert twice == "in the report more than once: the answer to question 2"
    lost = why_not_each_once(accepted, report())
    assert lost == "accepted and not in the report as it was given: the answer to question 1 and 2"


@pytest.mark.parametrize(
    ("why", "complaint"),
    [
        (why_not_begun({"state": "finished"}), "a new interview is 'finished' instead of 'open'"),
        (why_no_question({"number": 3, "text": "?"}, 2), "the question is number 3 instead of 2"),
        (why_no_question({"number": 2, "text": " "}, 2), "question 2 has no text"),
        (
            why_not_accepted(1, "a", {"answer": {"question_number": 1, "text": "b"}}),
            "accepted was 'b' for question 1 instead of 'a' for 1",
        ),
        (why_not_under_way({"state": "failed"}), "a finished interview is 'failed' instead of finished or reported"),
    ],
)
def test_what_is_wrong_is_a_sentence(why: str | None, complaint: str) -> None:
    """With what was met and what was wanted."""
    assert why == complaint
