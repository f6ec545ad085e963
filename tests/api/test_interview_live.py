"""The WebSocket of an interview, on a real server: real storage and questions, fake models."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import httpx
import pytest
from structlog.testing import capture_logs
from tests.interview_serving import InterviewFakes, half_an_upload, interview_core, interview_served, wav
from tests.live_serving import LiveClient, LiveServer, pcm
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from coldstart.domain.interview import Question
from coldstart.runtime.core import Core
from coldstart.storage.database import database_url_of, engine_of
from coldstart.storage.sql_interviews import SqlInterviews

# More than the 1.2 s of silence that end an answer.
SAID = ((0, 0.5), (1, 2.0), (0, 2.0))


@pytest.fixture
def fakes() -> Iterator[InterviewFakes]:
    fakes = InterviewFakes()
    yield fakes
    fakes.open_gates()


@pytest.fixture
def environ() -> dict[str, str]:
    """Of the process; a test's parameters say otherwise."""
    return {}


@pytest.fixture
def core(tmp_path: Path, fakes: InterviewFakes, environ: dict[str, str]) -> Core:
    return interview_core(tmp_path, fakes, **environ)


@pytest.fixture
def server(core: Core, fakes: InterviewFakes) -> Iterator[LiveServer]:
    with interview_served(core, fakes) as server:
        yield server


async def created(server: LiveServer, **wanted: Any) -> str:
    async with httpx.AsyncClient() as client:
        reply = await client.post(f"{server.http}/sessions/create", json=wanted)
    assert reply.status_code == 201, reply.text
    return str(reply.json()["session_id"])


async def shown(server: LiveServer, session: str) -> dict[str, Any]:
    async with httpx.AsyncClient() as client:
        return dict((await client.get(f"{server.http}/sessions/{session}")).json())


@contextlib.asynccontextmanager
async def talk(server: LiveServer, session: str, query: str = "speech=none") -> AsyncIterator[LiveClient]:
    """A connection that was accepted."""
    url = f"{server.http.replace('http', 'ws')}/sessions/{session}/live?{query}"
    async with connect(url, proxy=None, max_queue=None) as connection:
        yield LiveClient(connection)


async def until_type(client: LiveClient, kind: str) -> dict[str, Any]:
    """The next event of that type; what comes before it is dropped."""
    async with asyncio.timeout(20):
        while (event := await client.event())["type"] != kind:
            assert event["type"] != "error", event
        return event


def kept(core: Core) -> list[Path]:
    """All sounds."""
    return [path for path in (core.settings.interview_root / "user_uploads").rglob("*") if path.is_file()]


async def test_an_interview_is_spoken(server: LiveServer, core: Core) -> None:
    """Silence ends an answer; its text and the next question come, until enough was asked and the server closes."""
    session = await created(server, questions=2)
    async with talk(server, session) as client:
        ready = await client.event()
        assert (ready["type"], ready["session_id"], ready["sample_rate"]) == ("ready", session, 16000)
        assert ready["question"]["number"] == 1
        await client.say(*SAID)
        final = await until_type(client, "final")
        assert final["text"] == "say 1"
        turn = await until_type(client, "turn")
        assert (turn["answer"]["question_number"], turn["answer"]["text"]) == (1, "say 1")
        assert turn["question"]["number"] == 2
        await client.say(*SAID)
        last = await until_type(client, "turn")
        assert (last["answer"]["question_number"], last["question"]) == (2, None)
        assert await client.rest() == ([], 1000)
    answers = (await shown(server, session))["answers"]
    assert [answer["text"] for answer in answers] == ["say 1", "say 1"]
    # The padding around speech is no speech.
    (segment,) = answers[0]["segments"]
    assert segment["start"] == pytest.approx(0.5, abs=0.1)
    assert segment["end"] == pytest.approx(2.5, abs=0.1)
    assert len(kept(core)) == 2


async def test_what_was_spoken_is_kept_without_loss(server: LiveServer, core: Core) -> None:
    """As WAV, sample for sample what came until the answer was over."""
    session = await created(server)
    async with talk(server, session) as client:
        await client.say((0, 0.3), (1, 1.0), (0, 0.25))
        await client.end()
        turn = await until_type(client, "turn")
    (path,) = kept(core)
    assert turn["answer"]["sound"]["media_type"] == "audio/wav"
    assert path.suffix == ".wav"
    with av.open(path) as file:
        samples = b"".join(frame.to_ndarray().astype("<i2").tobytes() for frame in file.decode(audio=0))
    assert samples == pcm((0, 0.3), (1, 1.0), (0, 0.25))
    assert turn["answer"]["duration"] == 1.55


async def test_the_next_question_is_said(server: LiveServer, fakes: InterviewFakes) -> None:
    """After the turn: what kind of sound, its bytes, and its end; then the next answer begins."""
    session = await created(server)
    async with talk(server, session, "speech=wav") as client:
        await client.say(*SAID)
        turn = await until_type(client, "turn")
        assert turn["question"]["speech_url"].endswith("/questions/2/speech")
        assert json.loads(await client.connection.recv()) == {"type": "speech", "media_type": "audio/wav"}
        sound = b""
        while isinstance(message := await client.connection.recv(), bytes):
            sound += message
        assert json.loads(message) == {"type": "speech_end", "complete": True}
        assert sound[:4] == b"RIFF"
        assert "".join(request.text for request in fakes.voice.said)
        await client.say(*SAID)
        assert (await until_type(client, "turn"))["answer"]["question_number"] == 2


async def test_a_voice_that_breaks_is_told_and_the_interview_goes_on(server: LiveServer, fakes: InterviewFakes) -> None:
    """The question is there as text."""
    session = await created(server)
    fakes.voice.advance = lambda _: 1 / 0  # type: ignore[method-assign,assignment,return-value]
    async with talk(server, session, "speech=wav") as client:
        await client.say(*SAID)
        assert (await until_type(client, "turn"))["question"]["text"]
        assert await until_type(client, "speech_end") == {"type": "speech_end", "complete": False}
        await client.say(*SAID)
        assert (await until_type(client, "turn"))["answer"]["question_number"] == 2


async def test_an_answer_may_have_pauses(server: LiveServer) -> None:
    """Shorter ones than the silence that ends it."""
    session = await created(server)
    async with talk(server, session, "speech=none&silence_s=2") as client:
        await client.say((1, 1.0), (0, 1.5), (2, 1.0), (0, 3.0))
        turn = await until_type(client, "turn")
    assert turn["answer"]["text"] == "say 1 say 2"
    assert len(turn["answer"]["segments"]) == 2


async def test_silence_before_the_first_word_ends_nothing(server: LiveServer) -> None:
    """Who thinks first is waited for; who ends without a word has answered nothing, in so many words."""
    session = await created(server)
    async with talk(server, session) as client:
        await client.say((0, 5.0), (1, 1.0), (0, 2.0))
        assert (await until_type(client, "turn"))["answer"]["text"] == "say 1"
        await client.say((0, 3.0))
        await client.end()
        assert (await until_type(client, "turn"))["answer"]["text"] == ""


async def test_an_end_that_names_another_question_ends_nothing(server: LiveServer) -> None:
    """The answer that it was meant for was over by itself."""
    session = await created(server)
    async with talk(server, session) as client:
        await client.say((1, 1.0))
        await client.connection.send('{"type": "end", "question_number": 2}')
        await client.say((2, 1.0))
        await client.connection.send('{"type": "end", "question_number": 1}')
        assert (await until_type(client, "turn"))["answer"]["duration"] == 2.0


async def test_the_first_sentence_is_heard_before_the_second_is_made(
    server: LiveServer, core: Core, fakes: InterviewFakes
) -> None:
    """A long question does not keep anybody waiting."""
    session = await created(server)
    store = SqlInterviews(engine_of(database_url_of(core.settings)), open_limit=1)
    store.ask(session, Question(2, "This is a sentence to begin with. And this one comes after it, slowly.", "bank"))
    async with talk(server, session, "speech=pcm") as client:
        await client.event()
        await client.say((1, 0.5))
        fakes.voice.hold_after(1)
        await client.end()
        await until_type(client, "speech")
        async with asyncio.timeout(20):
            assert isinstance(await client.connection.recv(), bytes)
        fakes.voice.gate.set()


async def test_who_leaves_in_mid_answer_is_asked_again(server: LiveServer, core: Core) -> None:
    """Nothing of the answer is kept; the next connection begins with the same question."""
    session = await created(server)
    async with talk(server, session) as client:
        await client.event()
        await client.say((1, 2.0))
        await until_type(client, "speech_started")
    async with talk(server, session) as client:
        assert (await client.event())["question"]["number"] == 1
        await client.say(*SAID)
        await until_type(client, "turn")
    async with talk(server, session) as client:
        assert (await client.event())["question"]["number"] == 2
    assert len(kept(core)) == 1


async def test_who_ends_an_answer_and_leaves_has_answered(
    server: LiveServer, core: Core, fakes: InterviewFakes
) -> None:
    """An answer that is over is not given up because nobody waits for the next question."""
    session = await created(server)
    fakes.speech.transcriber.gate.clear()
    async with talk(server, session, "speech=none&silence_s=10") as client:
        await client.event()
        await client.say((1, 1.0), (0, 1.0))
        await client.end()
        await until_type(client, "speech_started")
        await asyncio.to_thread(fakes.speech.transcriber.entered.wait, 10)
    fakes.speech.transcriber.gate.set()
    async with asyncio.timeout(20):
        while not (answers := (await shown(server, session))["answers"]):  # noqa: ASYNC110  nothing tells when
            await asyncio.sleep(0.02)
    assert answers[0]["text"] == "say 1"


async def test_an_answer_under_way_is_kept_at_shutdown(server: LiveServer, core: Core) -> None:
    """The sentence may be finished; its turn is told, then the socket is closed with the code of a restart."""
    session = await created(server)
    async with talk(server, session) as client:
        await client.event()
        await client.say((1, 1.0))
        await until_type(client, "speech_started")
        server.sigterm()
        await client.say((0, 2.0))
        turn = await until_type(client, "turn")
        assert turn["answer"]["text"] == "say 1"
        events, code = await client.rest()
        assert code == 1012
        assert [event["error"]["detail"] for event in events] == ["the process is shutting down"]
    server.wait_ended()


async def test_nobody_is_waited_for_between_answers_at_shutdown(server: LiveServer) -> None:
    """A socket on which nobody speaks is closed at once; no answer is made of the silence."""
    session = await created(server)
    async with talk(server, session) as client:
        await client.event()
        await client.say((0, 1.0))
        server.sigterm()
        async with asyncio.timeout(5):
            events, code = await client.rest()
    assert (code, [event["type"] for event in events]) == (1012, ["error"])
    server.wait_ended()


@pytest.mark.parametrize("environ", [{"LIVE_IDLE_S": "0.5"}])
async def test_who_falls_silent_for_good_has_answered_what_was_said(server: LiveServer) -> None:
    """The words before count, and the client hears why it was closed; without words nothing counts."""
    session = await created(server)
    async with talk(server, session) as client:
        await client.event()
        await client.say((1, 1.0))
        assert (await until_type(client, "turn"))["answer"]["text"] == "say 1"
        events, code = await client.rest()
        assert code == 1008
        assert "nothing came for 0.5 s" in events[-1]["error"]["detail"]
    async with talk(server, session) as client:
        assert (await client.event())["question"]["number"] == 2
        events, code = await client.rest()
        assert ([event["type"] for event in events], code) == (["error"], 1008)
    assert len((await shown(server, session))["answers"]) == 1


@pytest.mark.parametrize("environ", [{"AUDIO_MAX_BYTES": "64000"}])
async def test_an_answer_that_becomes_too_long_ends_there(server: LiveServer) -> None:
    """What was said until then is the answer."""
    session = await created(server)
    async with talk(server, session) as client:
        await client.event()
        await client.say((1, 3.0))
        turn = await until_type(client, "turn")
        assert (turn["answer"]["text"], turn["answer"]["duration"]) == ("say 1", 2.0)
        events, code = await client.rest()
        assert code == 1008
        assert "longer than 2 s" in events[-1]["error"]["detail"]


async def test_a_message_that_is_not_known_is_told(server: LiveServer) -> None:
    """With what was wanted."""
    session = await created(server)
    async with talk(server, session) as client:
        await client.event()
        await client.connection.send('{"type": "start"}')
        events, code = await client.rest()
    assert code == 1008
    assert "Input should be 'end', met 'start'" in events[0]["error"]["detail"]


@pytest.mark.parametrize(
    ("query", "status", "sentence"),
    [
        ("format=mp3", 422, "the format is 'mp3'"),
        ("silence_s=0", 422, "silence_s"),
        ("silence_s=nan", 422, "silence_s"),
        ("speech=midi", 422, "speech is 'midi'"),
        ("loud=1", 422, "loud"),
    ],
)
async def test_a_connection_that_cannot_be_is_refused(
    server: LiveServer, query: str, status: int, sentence: str
) -> None:
    """Before it is accepted, as HTTP errors are told."""
    session = await created(server)
    with pytest.raises(InvalidStatus) as refused:
        async with talk(server, session, query):
            pass
    reply = refused.value.response
    assert reply.status_code == status
    assert sentence in json.loads(reply.body)["detail"]


async def test_only_open_interviews_are_spoken(server: LiveServer) -> None:
    """One that there is not, and one that is finished."""
    session = await created(server)
    async with httpx.AsyncClient() as client:
        await client.post(f"{server.http}/sessions/{session}/finish")
    for name, status in (("0" * 32, 404), (session, 409)):
        with pytest.raises(InvalidStatus) as refused:
            async with talk(server, name):
                pass
        assert refused.value.response.status_code == status


async def test_two_who_answer_one_question_get_one_answer(server: LiveServer, core: Core) -> None:
    """The first counts; the other one hears that it does not."""
    session = await created(server)
    async with talk(server, session) as one, talk(server, session) as other:
        await one.say(*SAID)
        await until_type(one, "turn")
        await other.say((2, 2.0), (0, 2.0))
        events, code = await other.rest()
    assert (code, events[-1]["error"]["status"]) == (1008, 409)
    assert len(kept(core)) == 1


async def test_an_upload_that_breaks_off_leaves_nothing(server: LiveServer, core: Core) -> None:
    """Neither a file nor an error: the client has left in the middle of it."""
    session = await created(server)
    uploads = core.settings.interview_root / "uploads"
    with capture_logs() as log:
        async with half_an_upload(server, session):
            await until(lambda: any(path.stat().st_size for path in uploads.iterdir()))
        await until(lambda: not list(uploads.iterdir()))
        await until(lambda: any(line["event"] == "http_request" and line["status"] == 499 for line in log))
    assert not [line for line in log if line["log_level"] == "error"]
    assert kept(core) == []


async def test_a_sender_that_stalls_is_not_waited_for(
    server: LiveServer, core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told so, and its place is free again."""
    monkeypatch.setattr("coldstart.api.bodies._PATIENCE_S", 0.3)
    async with half_an_upload(server, await created(server)) as (reader, _), asyncio.timeout(20):
        assert b" 422 " in await reader.readline()
        assert b"nothing of the body came for 0.3 s" in await reader.readuntil(b"allowed")
    await until(lambda: not list((core.settings.interview_root / "uploads").iterdir()))


@pytest.mark.parametrize("environ", [{"QUEUE_LIMIT": "2"}])
async def test_sounds_on_their_way_in_are_bounded(server: LiveServer, core: Core) -> None:
    """One more is refused; when one is over there is room again."""
    session = await created(server)
    uploads = core.settings.interview_root / "uploads"
    async with httpx.AsyncClient() as client:
        form: dict[str, Any] = {"data": {"question_number": "1"}, "files": {"file": wav((1, 1.0))}}
        async with half_an_upload(server, session), half_an_upload(server, session):
            await until(lambda: len(list(uploads.iterdir())) == 2)
            refused = await client.post(f"{server.http}/sessions/{session}/answers", **form)
            assert refused.status_code == 429
            assert "of 2 at most" in refused.json()["detail"]
        await until(lambda: not list(uploads.iterdir()))
        assert (await client.post(f"{server.http}/sessions/{session}/answers", **form)).status_code == 201


async def until(condition: Callable[[], bool]) -> None:
    """Poll; nothing tells when."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("broken", ["speech-to-text", "voice-activity"])
async def test_without_an_ear_nothing_is_spoken(tmp_path: Path, fakes: InterviewFakes, broken: str) -> None:
    """503 with the sentence that answers can be typed."""
    fakes = replace(fakes, broken=frozenset({broken}))
    with interview_served(interview_core(tmp_path, fakes), fakes) as server:
        session = await created(server)
        with pytest.raises(InvalidStatus) as refused:
            async with talk(server, session):
                pass
    assert refused.value.response.status_code == 503
    assert "answers can be typed" in json.loads(refused.value.response.body)["detail"]
