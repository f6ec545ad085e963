"""Candidates who take interviews through whatever happens to the service, and know what was accepted of them."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from loadtests.interview_checks import why_not_each_once

from coldstart_harness.traffic.retry_after import seconds_to_wait

Document = dict[str, Any]

_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 1.0
_ANSWER_WITHIN_S = 30.0
_PIECES = 10
_PIECE_S = 0.05
_TRY_AGAIN = (429, 500, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class Said:
    """One answer: typed, or a sound with what a recogniser hears in it."""

    text: str
    sound: bytes | None = None


@dataclass(slots=True)
class Taken:
    """What became of one interview, as its candidate knows it.

    Args:
        session_id: of the interview; empty: it never began.
        accepted: question's number → text, of each answer that got its 201.
        first_unheard: answers that were accepted only when they were sent again.
        uploads_unheard: of these, those that are sounds.
        repeats: requests sent again.
        report: as it was first read; None: it never came.
        report_s: from the end of the interview to its report.
        wrong: a sentence on each thing that must not happen.
    """

    session_id: str = ""
    accepted: dict[int, str] = field(default_factory=dict)
    first_unheard: int = 0
    uploads_unheard: int = 0
    repeats: int = 0
    report: Document | None = None
    report_s: float = 0.0
    wrong: list[str] = field(default_factory=list)


class Candidate:
    """A good client: what got no reply, or was turned away, is sent again as it was.

    Args:
        client: of the service; its base address is the service's.
        answers: one for each question; the interview ends with the last one, or when nothing more is asked.
        patience_s: how long one request is tried.
        think: awaited before each answer.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        answers: Sequence[Said],
        *,
        patience_s: float,
        think: Callable[[], Awaitable[None]],
    ) -> None:
        self._client = client
        self._answers = answers
        self._patience_s = patience_s
        self._think = think
        self.taken = Taken()

    async def take(self) -> Taken:
        """The whole interview; what goes wrong is in what is returned."""
        try:
            await self._take()
        except GaveUp as error:
            self.taken.wrong.append(str(error))
        return self.taken

    async def _take(self) -> None:
        plan = {"json": {"questions": len(self._answers)}}
        begun = await self._until(201, "POST", "/sessions/create", lambda: plan)
        self.taken.session_id = begun["session_id"]
        path = f"/sessions/{self.taken.session_id}"
        question: Document | None = begun["question"]
        for said in self._answers:
            if question is None:
                break
            await self._think()
            question = await self._answer(path, question["number"], said)
        await self._until(202, "POST", f"{path}/finish")
        ended = time.monotonic()
        self.taken.report = await self._until(200, "GET", f"{path}/report", also=(202,))
        self.taken.report_s = time.monotonic() - ended
        if why := why_not_each_once(self.taken.accepted, self.taken.report):
            self.taken.wrong.append(why)

    async def _answer(self, path: str, number: int, said: Said) -> Document | None:
        """The question that follows."""
        before = self.taken.repeats
        reply = await self._until(201, "POST", f"{path}/answers", lambda: _body_of(number, said))
        again = self.taken.repeats > before
        self.taken.first_unheard += again
        self.taken.uploads_unheard += again and said.sound is not None
        text = reply["answer"]["text"]
        if text != said.text:
            self.taken.wrong.append(f"question {number}: accepted was {text!r} instead of {said.text!r}")
        self.taken.accepted[number] = text
        following: Document | None = reply["question"]
        return following

    async def _until(
        self,
        wanted: int,
        method: str,
        path: str,
        body: Callable[[], dict[str, Any]] = dict,
        *,
        also: tuple[int, ...] = (),
    ) -> Document:
        """Ask until the wanted status comes; one of `also` says that it takes its time.

        Args:
            wanted: the status that ends it.
            method: of the request.
            path: of the request.
            body: what is sent with it, made anew each time, as httpx takes it.
            also: statuses that are no failure.

        Raises:
            GaveUp: another one came that asking again does not change, or none in time.
        """
        deadline, pause_s = time.monotonic() + self._patience_s, _FIRST_PAUSE_S
        while True:
            told_s, polled = None, False
            try:
                reply = await self._client.request(method, path, timeout=_ANSWER_WITHIN_S, **body())
            except httpx.TransportError as error:
                met = f"no reply ({type(error).__name__})"
            else:
                if reply.status_code == wanted:
                    document: Document = reply.json()
                    return document
                met, told_s = f"status {reply.status_code}: {reply.text[:200]}", _told_s(reply)
                polled = reply.status_code in also
                if not polled and reply.status_code not in _TRY_AGAIN:
                    raise GaveUp(f"{method} {path}: {met}")
            if time.monotonic() > deadline:
                raise GaveUp(f"{method} {path}: {met}, also after {self._patience_s:.0f} s")
            self.taken.repeats += not polled
            await asyncio.sleep(pause_s if told_s is None else min(told_s, _LONGEST_PAUSE_S))
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


class GaveUp(Exception):
    """A request was not answered as it had to be."""


def _body_of(number: int, said: Said) -> dict[str, Any]:
    """A text at once; a sound in pieces, as from a slow line, so that what dies may die in mid-upload."""
    if said.sound is None:
        return {"json": {"question_number": number, "text": said.text}}
    form = httpx.Request("POST", "/", data={"question_number": str(number)}, files={"file": ("answer", said.sound)})
    content = form.read()
    headers = {"Content-Type": form.headers["Content-Type"], "Content-Length": str(len(content))}
    return {"content": _in_pieces(content), "headers": headers}


async def _in_pieces(content: bytes) -> AsyncIterator[bytes]:
    size = math.ceil(len(content) / _PIECES)
    for begin in range(0, len(content), size):
        yield content[begin : begin + size]
        await asyncio.sleep(_PIECE_S)


def _told_s(reply: httpx.Response) -> float | None:
    return seconds_to_wait(reply.headers.get("retry-after"))
