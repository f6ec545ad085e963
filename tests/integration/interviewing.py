"""Interviews in containers without a network: the service in its two forms, and a candidate who speaks digits."""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import espeakng_loader  # type: ignore[import-untyped]
import httpx
import numpy as np
from docker.models.containers import Container
from tests.integration.isolated import Isolated, isolated
from tests.integration.subjects import Subject, container_of, eventually
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from starter.whisper.speaker import SAMPLE_RATE_HZ, Manner, Speaker

Document = dict[str, Any]
# Name or directory, where it is inside, and its mode.
Mount = tuple[str, str, str]

# All that the starter recogniser knows.
DIGITS = ((3, 1, 4, 1, 5), (9, 2, 6), (7, 0, 8))
_SILENCE_S, _PAUSE_S, _BEFORE_S = 0.6, 1.2, 0.3
_MESSAGE_BYTES = 3200
_WITHIN_S = 30.0


@dataclass(frozen=True)
class Interviewing:
    """The service.

    Args:
        api: its container that is asked; the only one where `worker` is None.
        worker: makes the reports.
    """

    api: Isolated
    worker: Container | None

    def sigterm(self) -> None:
        """Tell all of it to stop."""
        self.api.sigterm()
        if self.worker is not None:
            self.worker.kill("SIGTERM")

    def exit_codes(self) -> list[int]:
        """Of all containers, once they have ended by themselves."""
        codes = [self.api.exit_code()]
        return codes if self.worker is None else [*codes, int(self.worker.wait()["StatusCode"])]


@contextmanager
def interviewing_in(subject: Subject, mounts: list[Mount], database: str | None) -> Iterator[Interviewing]:
    """The service, ready, without a network; removed afterwards, but for what it mounts.

    Args:
        subject: the image.
        mounts: of all containers.
        database: DATABASE_URL of an API and a worker in containers of their own; None: both in one, with SQLite.
    """
    with ExitStack() as stack:
        if database is None:
            yield Interviewing(stack.enter_context(isolated(subject, volumes=mounts)), None)
            return
        environment = {"DATABASE_URL": database}
        worker = stack.enter_context(
            container_of(
                subject, volumes=mounts, network_mode="none", env={**environment, "SERVICE_MODE": "interview-worker"}
            )
        ).get_wrapped_container()
        api = isolated(subject, volumes=mounts, env={**environment, "SERVICE_MODE": "interview-api"})
        yield Interviewing(stack.enter_context(api), worker)


def said() -> list[bytes]:
    """Each of DIGITS said by espeak-ng, as 16 kHz s16le, with silence around it, which ends an answer."""
    speaker = Speaker(Path(espeakng_loader.__file__).parent)
    before, after = (np.zeros(round(seconds * SAMPLE_RATE_HZ), np.int16) for seconds in (_BEFORE_S, _PAUSE_S))
    return [
        np.concatenate([before, speaker.say(digits, Manner("en-us")).samples, after]).tobytes() for digits in DIGITS
    ]


class Candidate:
    """Takes one interview by its WebSocket, which is connected."""

    def __init__(self, session_id: str, live: ClientConnection) -> None:
        self.session_id = session_id
        self._live = live

    def speak(self, sound: bytes) -> None:
        """Send sound in pieces of a tenth of a second."""
        for begin in range(0, len(sound), _MESSAGE_BYTES):
            self._live.send(sound[begin : begin + _MESSAGE_BYTES])

    def answer(self, sound: bytes) -> tuple[Document, bytes]:
        """What is told of the answer, and the next question's sound, empty where nothing more is asked."""
        self.speak(sound)
        turn = self.told("turn")
        return turn, self._question() if turn["question"] is not None else b""

    def told(self, kind: str) -> Document:
        """The next event of that kind; those before it are dropped."""
        while (event := self._message())["type"] != kind:
            assert event["type"] != "error", event
        return event

    def close_code(self) -> int | None:
        """How the service closed it, once it has."""
        with suppress(ConnectionClosed):
            while True:
                self._live.recv(timeout=_WITHIN_S)
        return self._live.close_code

    def _question(self) -> bytes:
        self.told("speech")
        sound = bytearray()
        while isinstance(message := self._live.recv(timeout=_WITHIN_S), bytes):
            sound += message
        assert json.loads(message) == {"type": "speech_end", "complete": True}
        return bytes(sound)

    def _message(self) -> Document:
        message: Document = json.loads(self._live.recv(timeout=_WITHIN_S))
        return message


@contextmanager
def candidate_of(url: str, questions: int) -> Iterator[Candidate]:
    """A candidate of a new interview of so many questions, whom the first has been asked."""
    reply = httpx.post(f"{url}/sessions/create", json={"questions": questions}, trust_env=False, timeout=_WITHIN_S)
    assert reply.status_code == 201, reply.text
    session_id = reply.json()["session_id"]
    address = f"ws{url.removeprefix('http')}/sessions/{session_id}/live?silence_s={_SILENCE_S}"
    with connect(address, proxy=None) as live:
        candidate = Candidate(session_id, live)
        candidate.told("ready")
        yield candidate


def whole_interview(url: str, sounds: Sequence[bytes]) -> tuple[str, list[Document], list[bytes]]:
    """An interview's id, what was told of each answer, and each question's sound but the first's."""
    with candidate_of(url, len(sounds)) as candidate:
        taken = [candidate.answer(sound) for sound in sounds]
        assert candidate.close_code() == 1000
    turns, questions = zip(*taken, strict=True)
    return candidate.session_id, list(turns), [question for question in questions if question]


def report_of(url: str, session_id: str, *, finish: bool = False) -> Document:
    """The report, once it is there; also ends the interview, where asked to."""
    path = f"/sessions/{session_id}"
    with httpx.Client(base_url=url, trust_env=False, timeout=_WITHIN_S) as client:
        if finish:
            assert client.post(f"{path}/finish").status_code == 202
        eventually(lambda: client.get(f"{path}/report").status_code != 202, "there is a report")
        report: Document = client.get(f"{path}/report").raise_for_status().json()
        return report


def texts_in(report: Document) -> list[str | None]:
    """What was answered to each question; None: nothing."""
    return [question["answer"] and question["answer"]["text"] for question in report["questions"]]
