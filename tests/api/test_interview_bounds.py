"""What interviews may take of a process while it has much to do: whose place is whose, and for how long."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.interview_serving import (
    InterviewFakes,
    half_an_upload,
    interview_client,
    interview_core,
    interview_served,
    wav,
)
from tests.live_serving import LiveClient, LiveServer
from websockets.asyncio.client import connect

from coldstart.api import bodies
from coldstart.domain.errors import Overloaded
from coldstart.services.transcription import Transcriptions

# More than the 1.2 s of silence that end an answer.
SAID = ((0, 0.5), (1, 2.0), (0, 2.0))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveServer]:
    fakes = InterviewFakes()
    core = interview_core(tmp_path, fakes, QUEUE_LIMIT="1", LIVE_SESSIONS="1")
    with interview_served(core, fakes) as server:
        yield server


async def created(server: LiveServer) -> str:
    async with httpx.AsyncClient() as client:
        reply = await client.post(f"{server.http}/sessions/create")
    assert reply.status_code == 201, reply.text
    return str(reply.json()["session_id"])


async def answer_to(server: LiveServer, session: str, questions: int = 1) -> list[str]:
    """What is taken of answers that are spoken, one after the other."""
    texts: list[str] = []
    url = f"{server.http.replace('http', 'ws')}/sessions/{session}/live?speech=none"
    async with asyncio.timeout(20), connect(url, proxy=None, max_queue=None) as connection:
        client = LiveClient(connection)
        for _ in range(questions):
            await client.say(*SAID)
            while (event := await client.event())["type"] != "turn":
                assert event["type"] != "error", event
            texts.append(event["answer"]["text"])
    return texts


async def test_an_interview_is_spoken_while_no_more_files_are_taken(server: LiveServer) -> None:
    """Files of others take all of their places; who speaks has another one, for every answer."""
    session, other = await created(server), await created(server)

    async def are_full() -> bool:
        form: dict[str, Any] = {"data": {"question_number": "1"}, "files": {"file": b"x"}}
        async with httpx.AsyncClient() as client:
            return (await client.post(f"{server.http}/sessions/{other}/answers", **form)).status_code == 429

    async with half_an_upload(server, other), half_an_upload(server, other):
        async with asyncio.timeout(20):
            while not await are_full():  # noqa: ASYNC110  nothing tells when
                await asyncio.sleep(0.01)
        assert await answer_to(server, session, questions=2) == ["say 1", "say 1"]


async def test_an_interview_is_spoken_while_the_queue_of_files_is_full(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is spoken is written down as it comes: it does not wait behind files."""

    def refuse(_: Transcriptions) -> None:
        raise Overloaded("600 s of sound wait", retry_after_s=1)

    monkeypatch.setattr(Transcriptions, "check_room", refuse)
    assert await answer_to(server, await created(server)) == ["say 1"]


async def test_an_upload_that_dribbles_is_refused(server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """However short its pauses are: it has a place all the while."""
    monkeypatch.setattr(bodies, "_LONGEST_BODY_S", 0.3)
    async with half_an_upload(server, await created(server)) as (reader, writer):

        async def dribble() -> None:
            while True:
                writer.write(b"x")
                await asyncio.sleep(0.02)

        dribbling = asyncio.ensure_future(dribble())
        try:
            async with asyncio.timeout(20):
                assert b" 422 " in await reader.readline()
                assert b"the body was not whole after 0.3 s" in await reader.readuntil(b"allowed")
        finally:
            dribbling.cancel()
            await asyncio.gather(dribbling, return_exceptions=True)


async def test_an_answer_that_waits_for_its_turn_is_not_in_memory(tmp_path: Path) -> None:
    """The room is for two sounds: of one interview one is written down and one waits, and another interview's comes."""
    sound = wav((0, 0.5), (1, 2.0), (0, 0.5))
    fakes = InterviewFakes()
    core = interview_core(tmp_path, fakes, UPLOADS_MAX_BYTES=str(2 * len(sound) + 1))
    uploads = core.settings.interview_root / "uploads"

    async def send(session: str) -> int:
        form: dict[str, Any] = {"data": {"question_number": "1"}, "files": {"file": sound}}
        return (await client.post(f"/sessions/{session}/answers", **form)).status_code

    async with interview_client(core, fakes) as client, asyncio.timeout(20):
        first, other = [(await client.post("/sessions/create")).json()["session_id"] for _ in range(2)]
        fakes.speech.transcriber.gate.clear()
        sending = [asyncio.ensure_future(send(first))]
        await asyncio.to_thread(fakes.speech.transcriber.entered.wait, 10)
        sending.append(asyncio.ensure_future(send(first)))
        while not any(path.stat().st_size == len(sound) for path in uploads.iterdir()):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        sending.append(asyncio.ensure_future(send(other)))
        # Refused at once, or not at all.
        await asyncio.wait(sending, timeout=0.3, return_when=asyncio.FIRST_COMPLETED)
        fakes.speech.transcriber.gate.set()
        assert await asyncio.gather(*sending) == [201, 201, 201]
