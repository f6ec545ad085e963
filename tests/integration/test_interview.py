"""Interviews by voice without a network: in one container with SQLite, and in two with Postgres."""

import io
import time
import wave
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from tests.integration.interviewing import (
    DIGITS,
    Document,
    Interviewing,
    Mount,
    candidate_of,
    interviewing_in,
    report_of,
    said,
    texts_in,
    whole_interview,
)
from tests.integration.subjects import Subject
from tests.postgres import ABSENT, postgres_programs, running_postgres

from coldstart_harness.engine import find_engine
from starter.whisper.speaker import DIGITS as WORDS

pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]

VOLUME_AT = "/var/lib/coldstart"
ANSWERS = [" ".join(WORDS[digit] for digit in digits) for digits in DIGITS]
GRACE_S = 30.0
# RFC 6455's registry: the service restarts.
SERVICE_RESTART = 1012


@dataclass(frozen=True)
class Before:
    """What was met until SIGTERM, which came in the middle of a second interview's second answer.

    Args:
        session_id: of the first interview, which was taken whole.
        turns: what was told of its answers.
        questions: their sounds, but the first's.
        report: of it.
        page: the same to print.
        open_id: of the second interview.
        last_turn: what was told of the answer that was being spoken.
        stop_s: until all containers had ended.
        exit_codes: theirs.
        close_code: of the second interview's WebSocket.
    """

    session_id: str
    turns: Sequence[Document]
    questions: Sequence[bytes]
    report: Document
    page: str
    open_id: str
    last_turn: Document
    stop_s: float
    exit_codes: Sequence[int]
    close_code: int | None


@dataclass(frozen=True)
class After:
    """What containers that came afterwards knew.

    Args:
        report: of the first interview.
        kept: the second interview.
        kept_report: of it, once it was finished there.
    """

    report: Document
    kept: Document
    kept_report: Document


@pytest.fixture(scope="module", params=["one container", "two containers and Postgres"])
def course(request: pytest.FixtureRequest, interviewing: Subject) -> Iterator[tuple[Before, After]]:
    """Once for all claims; the containers share nothing with those before but volume and database."""
    programs = postgres_programs()
    if request.param != "one container" and programs is None:
        pytest.skip(ABSENT)
    engine = find_engine()
    assert engine is not None, "the images under test are in an engine that does not answer any more"
    with ExitStack() as stack:
        stack.callback(engine.client.close)
        volume = engine.client.volumes.create()
        stack.callback(volume.remove, force=True)
        mounts: list[Mount] = [(volume.name, VOLUME_AT, "rw")]
        database = None
        if request.param != "one container" and programs is not None:
            database = stack.enter_context(running_postgres(programs)).new_database()
            directory = Path(database.partition("?host=")[2])
            # Whoever the service's user is gets to the socket; the data has a directory of its own.
            directory.chmod(0o711)
            mounts.append((str(directory), str(directory), "rw"))
        sounds = said()
        with interviewing_in(interviewing, mounts, database) as first:
            before = first.api.ask(lambda url: until_the_stop(first, url, sounds))
        with interviewing_in(interviewing, mounts, database) as second:
            after = second.api.ask(lambda url: found_by(url, before))
        yield before, after


def until_the_stop(service: Interviewing, url: str, sounds: Sequence[bytes]) -> Before:
    session_id, turns, questions = whole_interview(url, sounds)
    report = report_of(url, session_id, finish=True)
    page = httpx.get(f"{url}/sessions/{session_id}/report.html", trust_env=False).raise_for_status().text
    with candidate_of(url, len(sounds)) as candidate:
        candidate.answer(sounds[0])
        middle = len(sounds[1]) // 4 * 2
        candidate.speak(sounds[1][:middle])
        candidate.told("speech_started")
        begun = time.monotonic()
        service.sigterm()
        candidate.speak(sounds[1][middle:])
        last_turn = candidate.told("turn")
        close_code = candidate.close_code()
        exit_codes = service.exit_codes()
    stop_s = time.monotonic() - begun
    open_id = candidate.session_id
    return Before(session_id, turns, questions, report, page, open_id, last_turn, stop_s, exit_codes, close_code)


def found_by(url: str, before: Before) -> After:
    kept = httpx.get(f"{url}/sessions/{before.open_id}", trust_env=False).raise_for_status().json()
    return After(report_of(url, before.session_id), kept, report_of(url, before.open_id, finish=True))


def test_the_report_has_what_was_said(course: tuple[Before, After]) -> None:
    """Each answer's digits at its question, as the candidate was told them, and how long they were spoken."""
    before, _ = course
    assert [turn["answer"]["text"] for turn in before.turns] == ANSWERS
    assert texts_in(before.report) == ANSWERS
    assert {question["answer"]["kind"] for question in before.report["questions"]} == {"spoken"}
    totals = before.report["totals"]
    assert (totals["answered"], totals["words"]) == (len(ANSWERS), sum(map(len, DIGITS)))
    assert all(question["speaking_s"] > 0.5 for question in before.report["questions"])


def test_questions_are_said(course: tuple[Before, After]) -> None:
    """All that follow an answer, each as a WAV file of a second at least."""
    before, _ = course
    assert len(before.questions) == len(ANSWERS) - 1
    for question in before.questions:
        with wave.open(io.BytesIO(question), "rb") as file:
            samples = len(file.readframes(2**24)) // (file.getsampwidth() * file.getnchannels())
            assert samples > file.getframerate()


def test_the_page_to_print_has_questions_and_answers(course: tuple[Before, After]) -> None:
    """Every answer's words are on it, and nothing that it would have to load."""
    before, _ = course
    assert all(answer in before.page for answer in ANSWERS)
    assert "<script" not in before.page
    assert "src=" not in before.page


def test_a_stop_in_mid_answer_is_a_good_end(course: tuple[Before, After]) -> None:
    """The answer is taken to its end, the candidate told of the restart; all ends with 0 within the grace."""
    before, _ = course
    assert before.last_turn["answer"]["text"] == ANSWERS[1]
    assert before.close_code == SERVICE_RESTART
    assert set(before.exit_codes) == {0}
    assert before.stop_s < GRACE_S


def test_other_containers_go_on_where_those_ended(course: tuple[Before, After]) -> None:
    """The report is the same, and the open interview has its answers, in the end also in its own report."""
    before, after = course
    assert after.report == before.report
    assert after.kept["state"] == "open"
    assert [answer["text"] for answer in after.kept["answers"]] == ANSWERS[:2]
    assert texts_in(after.kept_report)[:2] == ANSWERS[:2]
