"""Candidates who go on whatever happens: what they hold of a service, sound or faulty."""

import asyncio
from functools import partial
from itertools import cycle, islice

import httpx
import pytest
from tests import interview_chaos
from tests.interview_candidates import Candidate, Said, Taken
from tests.interview_chaos import Outcome, Victim, chaos, figures_of
from tests.interview_stand_in import HEARD, Fault, interviewing

ANSWERS = [Said(HEARD, b"sound"), Said("typed")]


async def taken_at(url: str, count: int = 1, answers: list[Said] = ANSWERS) -> list[Taken]:
    """That many interviews at one time."""

    async def no_thought() -> None:
        await asyncio.sleep(0)

    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        candidates = [Candidate(client, answers, patience_s=5, think=no_thought) for _ in range(count)]
        return await asyncio.gather(*(candidate.take() for candidate in candidates))


async def test_lost_replies_and_refusals_lose_nothing() -> None:
    """What was not answered is sent again as it was, and every answer is in the report once."""
    with interviewing(deaf_every=3, busy_every=4) as stand_in:
        taken = await taken_at(stand_in.url, count=8)
    assert [one.wrong for one in taken] == [[]] * 8
    assert [one.accepted for one in taken] == [{1: HEARD, 2: "typed"}] * 8
    assert sum(one.repeats for one in taken) > 0
    assert sum(one.first_unheard for one in taken) >= sum(one.uploads_unheard for one in taken) > 0
    assert all(one.report for one in taken)


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        ("lost", "accepted and not in the report as it was given: the answer to question 2"),
        ("twice", "in the report more than once: the answer to question 1"),
        ("another", "accepted and not in the report as it was given: the answer to question 1"),
        ("forgotten", "status 404"),
    ],
)
async def test_every_fault_is_found(fault: Fault, complaint: str) -> None:
    """A service that loses, doubles or changes an answer, or forgets an interview, does not pass."""
    with interviewing(fault) as stand_in:
        (taken,) = await taken_at(stand_in.url)
    assert len(taken.wrong) == 1
    assert complaint in taken.wrong[0]


async def test_another_text_than_was_said_is_found() -> None:
    """What the recogniser hears is compared with what the sound holds."""
    with interviewing() as stand_in:
        (taken,) = await taken_at(stand_in.url, answers=[Said("two", b"sound")])
    assert taken.wrong == [f"question 1: accepted was {HEARD!r} instead of 'two'"]


async def test_nobody_there_is_given_up() -> None:
    """After the candidate's patience, with the request that got no reply."""
    async with httpx.AsyncClient(base_url="http://127.0.0.1:9", trust_env=False) as client:
        taken = await Candidate(client, ANSWERS, patience_s=0.1, think=lambda: asyncio.sleep(0)).take()
    assert taken.wrong == ["POST /sessions/create: no reply (ConnectError), also after 0 s"]
    assert not taken.accepted


async def test_deaths_go_round_and_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Victims die in turn for as long as interviews are taken, and the figures say how often and for how long."""
    monkeypatch.setattr(interview_chaos, "_PEACE_S", 0.1)
    monkeypatch.setattr(interview_chaos, "_DOWN_S", 0.0)
    monkeypatch.setattr(interview_chaos, "_THINK_S", (0.0, 0.1))
    died: list[str] = []
    victims = [Victim(name, partial(died.append, name), lambda: None) for name in ("one", "two")]
    with interviewing(deaf_every=3) as stand_in:
        async with httpx.AsyncClient(base_url=stand_in.url, trust_env=False) as client:
            outcome = await chaos(client, victims, iter([ANSWERS] * 9), concurrency=2)
    figures = figures_of(outcome)
    assert died == list(islice(cycle(["one", "two"]), len(died)))
    assert sum(killed["times"] for killed in figures["killed"].values()) == len(died) > 0
    assert (figures["interviews"], figures["reports"], figures["wrong"]) == (9, 9, [])
    assert (figures["answers_accepted"], figures["answers_in_reports"], figures["answers_lost"]) == (18, 18, 0)
    assert figures["requests_repeated"] > 0


def test_figures_tell_what_was_lost_and_what_is_there_twice() -> None:
    """Each answer by itself; an interview without a report has lost all that was accepted."""
    report = {"questions": [{"number": 1, "answer": {"text": "a"}}, {"number": 1, "answer": {"text": "a"}}]}
    taken = [Taken("x", {1: "a", 2: "b"}, report=report), Taken("y", {1: "a"}, wrong=["no report"])]
    figures = figures_of(Outcome(taken, [], 1.0))
    assert (figures["answers_lost"], figures["answers_more_than_once"]) == (2, 1)
    assert (figures["reports"], figures["wrong"], figures["killed"]) == (1, ["no report"], {})
