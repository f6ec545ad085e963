"""The routes of OpenAI's audio API, by plain requests."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import webvtt
from tests.asr_serving import FakeSpeechServing, asr_client, asr_core
from tests.polling import until
from tests.speech_doubles import sound_file

from coldstart.runtime.core import Core

TRANSCRIPTIONS, TRANSLATIONS = "/v1/audio/transcriptions", "/v1/audio/translations"
SHORT = sound_file(10, (1, 2), (5, 7))
# Four minutes; somebody speaks for two seconds in each five.
LONG = sound_file(240, *((s + 1, s + 3) for s in range(0, 240, 5)))


@pytest.fixture
def fakes() -> FakeSpeechServing:
    return FakeSpeechServing(max_s=1000)


@pytest.fixture
def core(tmp_path: Path, fakes: FakeSpeechServing) -> Core:
    return asr_core(tmp_path, fakes, "tiny", "other", ASR_QUEUE_S="300")


@pytest.fixture
async def client(core: Core, fakes: FakeSpeechServing) -> AsyncIterator[httpx.AsyncClient]:
    async with asr_client(core, fakes) as client:
        yield client


async def send(
    client: httpx.AsyncClient, data: bytes = SHORT, path: str = TRANSCRIPTIONS, **parts: str | list[str]
) -> httpx.Response:
    return await client.post(path, files={"file": ("sound.wav", data)}, data={"model": "tiny", **parts})


async def written(client: httpx.AsyncClient, data: bytes = SHORT, path: str = TRANSCRIPTIONS, **parts: Any) -> Any:
    reply = await send(client, data, path, **parts)
    assert reply.status_code == 200, reply.text
    return reply.json()


async def refused(client: httpx.AsyncClient, status: int, data: bytes = SHORT, **parts: Any) -> dict[str, Any]:
    reply = await send(client, data, **parts)
    assert reply.status_code == status, reply.text
    return dict(reply.json()["error"])


async def test_json_is_the_text(client: httpx.AsyncClient) -> None:
    """Without a format it is JSON; the segments' texts are joined as the model spaces them."""
    assert await written(client) == {"text": "say 1 say 2", "usage": {"type": "duration", "seconds": 10.0}}


async def test_text_is_one_line(client: httpx.AsyncClient) -> None:
    """Plain text that ends with a line's end."""
    reply = await send(client, response_format="text")
    assert (reply.text, reply.headers["content-type"]) == ("say 1 say 2\n", "text/plain; charset=utf-8")


@pytest.mark.parametrize(("name", "media_type"), [("srt", "application/x-subrip"), ("vtt", "text/vtt")])
async def test_subtitles_parse(client: httpx.AsyncClient, name: str, media_type: str) -> None:
    """As webvtt-py reads them."""
    reply = await send(client, response_format=name)
    assert reply.headers["content-type"].partition(";")[0] == media_type
    cues = webvtt.from_buffer(io.StringIO(reply.text), name).captions
    assert [(c.start, c.end, c.text) for c in cues] == [
        ("00:00:01.000", "00:00:02.000", "say 1"),
        ("00:00:05.000", "00:00:07.000", "say 2"),
    ]


async def test_verbose_json_has_everything_of_the_segments(client: httpx.AsyncClient) -> None:
    """Duration, the language's English name, and what the decoder says of each segment."""
    answer = await written(client, response_format="verbose_json")
    segments = answer.pop("segments")
    assert answer == {
        "task": "transcribe",
        "language": "german",
        "duration": 10.0,
        "text": "say 1 say 2",
        "usage": {"type": "duration", "seconds": 10.0},
    }
    assert segments[1] == {
        "id": 1,
        "seek": 0,
        "start": 5.0,
        "end": 7.0,
        "text": " say 2",
        "tokens": [7, 2],
        "temperature": 0.0,
        "avg_logprob": -0.25,
        "compression_ratio": 0.75,
        "no_speech_prob": 0.125,
    }


@pytest.mark.parametrize("name", ["timestamp_granularities[]", "timestamp_granularities"])
@pytest.mark.parametrize(
    ("granularities", "has_segments", "has_words"),
    [(["segment"], True, False), (["word"], False, True), (["word", "segment"], True, True)],
)
async def test_granularities_choose_segments_and_words(
    client: httpx.AsyncClient, name: str, granularities: list[str], has_segments: bool, has_words: bool
) -> None:
    """Words alone leave the segments out; the part's name may have its brackets or not."""
    answer = await written(client, response_format="verbose_json", **{name: granularities})
    assert ("segments" in answer, "words" in answer) == (has_segments, has_words)
    if has_words:
        assert answer["words"][2:] == [
            {"word": "say", "start": 5.0, "end": 6.0},
            {"word": "2", "start": 6.0, "end": 7.0},
        ]


async def test_words_are_made_only_when_asked_for(client: httpx.AsyncClient, fakes: FakeSpeechServing) -> None:
    """They cost time."""
    await written(client, response_format="verbose_json")
    assert [request.options.word_timestamps for call in fakes.transcriber.calls for request in call] == [False]


async def test_a_translation_is_english(client: httpx.AsyncClient) -> None:
    """The task reaches the model, and the language told is that of the text."""
    answer = await written(client, SHORT, TRANSLATIONS, response_format="verbose_json")
    assert (answer["task"], answer["language"], answer["text"]) == ("translate", "english", "speak 1 speak 2")
    assert (await written(client, SHORT, TRANSLATIONS))["text"] == "speak 1 speak 2"


async def test_options_reach_the_model(client: httpx.AsyncClient, fakes: FakeSpeechServing) -> None:
    """Language, prompt and temperature, as they were sent."""
    answer = await written(
        client, response_format="verbose_json", language="en", prompt="Ünï 1", temperature="0.5", vad_filter="false"
    )
    options = fakes.transcriber.calls[0][0].options
    assert (options.task, options.language, options.prompt, options.temperature) == ("transcribe", "en", "Ünï 1", 0.5)
    assert answer["language"] == "english"


async def test_unknown_and_empty_parts_are_ignored(client: httpx.AsyncClient) -> None:
    """As OpenAI's servers do; an empty part is one that was left out."""
    answer = await written(
        client, language="", temperature="", model="", chunking_strategy="auto", **{"include[]": "x"}
    )
    assert answer["text"] == "say 1 say 2"


@pytest.mark.parametrize(
    ("parts", "status", "words"),
    [
        ({"model": "whisper-9"}, 404, "there is no model 'whisper-9'; there are: tiny, other"),
        ({"model": "vad"}, 404, "there is no model 'vad'; there are: tiny, other"),
        ({"language": "xx"}, 400, "model 'tiny' does not know language 'xx'; it knows de, en"),
        ({"response_format": "xml"}, 400, "'json', 'text', 'srt', 'verbose_json' or 'vtt', met 'xml'"),
        ({"temperature": "1.5"}, 400, "less than or equal to 1, met '1.5'"),
        ({"temperature": "nan"}, 400, "finite number, met 'nan'"),
        ({"temperature": "warm"}, 400, "number, met 'warm'"),
        ({"stream": "perhaps"}, 400, "boolean"),
        ({"vad_filter": "perhaps"}, 400, "boolean"),
        ({"prompt": "x" * 10_001}, 400, "at most 10000 characters"),
        ({"timestamp_granularities[]": "word"}, 400, "need response_format 'verbose_json'; it is 'json'"),
        (
            {"timestamp_granularities[]": "line", "response_format": "verbose_json"},
            400,
            "'word' or 'segment', met 'line'",
        ),
        ({"stream": "true", "response_format": "srt"}, 400, "must be 'json' or 'text'; it is 'srt'"),
    ],
)
async def test_what_is_not_allowed_is_named_with_what_is(
    client: httpx.AsyncClient, fakes: FakeSpeechServing, parts: dict[str, str], status: int, words: str
) -> None:
    """In OpenAI's form, and nothing is decoded for it."""
    error = await refused(client, status, **parts)
    assert words in error["message"]
    assert error["type"] == "invalid_request_error"
    assert fakes.decoder.calls == 0


async def test_a_wrong_part_is_named(client: httpx.AsyncClient) -> None:
    """As `param`, which the client's exceptions carry."""
    assert (await refused(client, 400, response_format="xml"))["param"] == "response_format"


async def test_a_file_that_is_no_sound_is_refused_with_the_decoders_sentence(client: httpx.AsyncClient) -> None:
    """Also in a stream, whose status is not sent yet."""
    for parts in ({}, {"stream": "true"}):
        error = await refused(client, 400, b"not a sound", **parts)
        assert error["message"] == "the file is no sound: it breaks at byte 0"


async def test_a_sound_that_is_too_long_is_refused(client: httpx.AsyncClient) -> None:
    """By its length in seconds, however few bytes it has."""
    assert "longer than 1000 s" in (await refused(client, 413, sound_file(1001)))["message"]


async def test_an_engine_that_breaks_is_our_failure(client: httpx.AsyncClient, fakes: FakeSpeechServing) -> None:
    """A 500 that shows nothing of the engine; the next request is served."""
    fakes.transcriber.broken = True
    assert (await refused(client, 500))["type"] == "server_error"
    fakes.transcriber.broken = False
    await written(client)


async def test_a_short_sound_is_one_window_and_no_voice_activity(
    client: httpx.AsyncClient, fakes: FakeSpeechServing
) -> None:
    """Up to 30 s nothing is added to what the model costs."""
    await written(client, sound_file(30, (1, 2)))
    assert fakes.transcriber.windows_s == [30.0]
    assert fakes.voice_activity.calls == []


async def test_a_long_sound_is_cut_where_nobody_speaks(client: httpx.AsyncClient, fakes: FakeSpeechServing) -> None:
    """Into windows of at most 30 s that leave nothing out; each speech is heard once, at its own time."""
    answer = await written(
        client, LONG, response_format="verbose_json", **{"timestamp_granularities[]": ["segment", "word"]}
    )
    assert len(fakes.transcriber.windows_s) > 8
    assert max(fakes.transcriber.windows_s) <= 30
    assert sum(fakes.transcriber.windows_s) == pytest.approx(240)
    assert [(s["text"], s["start"], s["end"]) for s in answer["segments"]] == [
        (f" say {i}", pytest.approx(5 * i - 4, abs=0.001), pytest.approx(5 * i - 2, abs=0.001)) for i in range(1, 49)
    ]
    assert [s["id"] for s in answer["segments"]] == list(range(48))
    assert [w["start"] for w in answer["words"][::2]] == [s["start"] for s in answer["segments"]]
    assert answer["segments"][-1]["seek"] > 20_000


async def test_the_filter_leaves_silence_out(client: httpx.AsyncClient, fakes: FakeSpeechServing) -> None:
    """Only what is spoken, and a little around it, reaches the model; times are still the sound's."""
    answer = await written(
        client, sound_file(200, (50, 52), (150, 155)), response_format="verbose_json", vad_filter="true"
    )
    assert [(s["text"], s["start"]) for s in answer["segments"]] == [
        (" say 1", pytest.approx(50, abs=0.001)),
        (" say 2", pytest.approx(150, abs=0.001)),
    ]
    assert sum(fakes.transcriber.windows_s) < 10
    assert answer["duration"] == 200.0


async def test_filtered_silence_costs_the_model_nothing(client: httpx.AsyncClient, fakes: FakeSpeechServing) -> None:
    """There is no text, and no language that it would have."""
    answer = await written(client, sound_file(20), response_format="verbose_json", vad_filter="true")
    assert (answer["text"], answer["segments"], answer["language"]) == ("", [], "unknown")
    assert fakes.transcriber.calls == []


async def test_the_first_windows_language_holds_for_all(client: httpx.AsyncClient, fakes: FakeSpeechServing) -> None:
    """It is found once; prompts go to each window, and no window's text to the next."""
    await written(client, LONG, prompt="Kolibri")
    options = [request.options for call in fakes.transcriber.calls for request in call]
    assert [o.language for o in options] == [None, *["de"] * (len(options) - 1)]
    assert {o.prompt for o in options} == {"Kolibri"}


async def test_a_stream_tells_each_segment_and_then_the_whole(client: httpx.AsyncClient) -> None:
    """The deltas join to the text of the last event."""
    reply = await send(client, LONG, stream="true")
    assert reply.headers["content-type"].startswith("text/event-stream")
    *deltas, done = _events(reply.text)
    assert {event["type"] for event in deltas} == {"transcript.text.delta"}
    assert len(deltas) == 48
    text = "".join(event["delta"] for event in deltas)
    assert done == {"type": "transcript.text.done", "text": text}
    assert text == (await written(client, LONG))["text"]


async def test_a_stream_of_silence_is_its_end(client: httpx.AsyncClient) -> None:
    """There is no delta without text."""
    reply = await send(client, sound_file(3), stream="true")
    assert _events(reply.text) == [{"type": "transcript.text.done", "text": ""}]


async def test_a_failure_in_a_stream_is_its_last_event(client: httpx.AsyncClient, fakes: FakeSpeechServing) -> None:
    """The status is long sent by then."""
    fakes.transcriber.hold_after(1)
    sending = asyncio.create_task(send(client, LONG, stream="true"))
    await until(lambda: len(fakes.transcriber.calls) == 2)
    fakes.transcriber.broken = True
    fakes.transcriber.gate.set()
    reply = await sending
    *deltas, last = _events(reply.text)
    assert (reply.status_code, {event["type"] for event in deltas}) == (200, {"transcript.text.delta"})
    assert last["error"]["type"] == "server_error"


async def test_too_much_sound_is_refused_with_when_to_come_back(
    client: httpx.AsyncClient, fakes: FakeSpeechServing
) -> None:
    """Seconds of sound count, not only requests: 240 of 300 are taken."""
    held = await _held(client, fakes, LONG)
    reply = await send(client, sound_file(61))
    assert reply.status_code == 429
    assert int(reply.headers["retry-after"]) >= 1
    error = reply.json()["error"]
    assert error["type"] == "rate_limit_error"
    assert error["message"] == ("240 seconds of sound wait or are under way, of 300 at most, and this request has 61")
    await _release(fakes, held)
    await written(client, sound_file(61))


async def test_a_full_queue_refuses_before_the_body_is_read(
    client: httpx.AsyncClient, fakes: FakeSpeechServing
) -> None:
    """Even a body that is no form gets the 429; a sound longer than the queue was let in, for it was alone."""
    held = await _held(client, fakes, sound_file(400))
    for path in (TRANSCRIPTIONS, TRANSLATIONS):
        reply = await client.post(path, content=b"no form")
        assert reply.status_code == 429
        assert "retry-after" in reply.headers
    assert fakes.decoder.calls == 1
    await _release(fakes, held)


async def test_a_short_sound_overtakes_long_ones(
    client: httpx.AsyncClient, core: Core, fakes: FakeSpeechServing
) -> None:
    """It goes in turn with the windows of two that are under way, and does not wait for either's end."""
    held = await _held(client, fakes, sound_file(70, (1, 2)))
    scheduler = core.registry.get("tiny").scheduler
    others = [asyncio.create_task(send(client, sound_file(70, (1, 2)))) for _ in range(2)]
    await until(lambda: scheduler.depth == 2)
    short = asyncio.create_task(send(client, sound_file(2, (0, 1))))
    await until(lambda: scheduler.depth == 3)
    await _release(fakes, held)
    assert (await short).json()["text"] == "say 1"
    assert [reply.status_code for reply in await asyncio.gather(*others)] == [200, 200]
    assert fakes.transcriber.windows_s.index(2.0) == 2


async def test_a_client_that_leaves_ends_the_work_with_its_window(
    client: httpx.AsyncClient, core: Core, fakes: FakeSpeechServing
) -> None:
    """No further window is begun, and its seconds are free."""
    held = await _held(client, fakes, LONG)
    assert "transcription_queue_seconds 240.0" in (await client.get("/metrics")).text
    held.cancel()
    await asyncio.gather(held, return_exceptions=True)
    async with asyncio.timeout(10):
        while "transcription_queue_seconds 0.0" not in (await client.get("/metrics")).text:
            pass
    fakes.transcriber.gate.set()
    scheduler = core.registry.get("tiny").scheduler
    await until(lambda: scheduler.active == 0)
    assert len(fakes.transcriber.calls) == 1


async def test_metrics_tell_seconds_of_sound_and_real_time_factor(client: httpx.AsyncClient) -> None:
    """By model, of what was written down."""
    await written(client)
    await written(client, LONG)
    await written(client, model="other")
    text = (await client.get("/metrics")).text
    assert 'transcription_audio_seconds_total{model="tiny"} 250.0' in text
    assert 'transcription_audio_seconds_total{model="other"} 10.0' in text
    assert 'transcription_real_time_factor_count{model="tiny"} 2.0' in text


async def test_models_of_every_task_are_listed(client: httpx.AsyncClient) -> None:
    """One list for the process."""
    listed = (await client.get("/v1/models")).json()["data"]
    assert [(model["id"], model["task"]) for model in listed] == [
        ("tiny", "speech-to-text"),
        ("other", "speech-to-text"),
        ("vad", "voice-activity"),
    ]


async def test_the_forms_parts_are_documented(tmp_path: Path, fakes: FakeSpeechServing) -> None:
    """Where the profile shows documentation."""
    async with asr_client(asr_core(tmp_path, fakes, "tiny", PROFILE="staging"), fakes) as client:
        paths = (await client.get("/openapi.json")).json()["paths"]
    schemas = [
        paths[path]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
        for path in (TRANSCRIPTIONS, TRANSLATIONS)
    ]
    assert all(schema["properties"]["file"]["format"] == "binary" for schema in schemas)
    assert schemas[0]["properties"].keys() - schemas[1]["properties"].keys() == {
        "language",
        "stream",
        "timestamp_granularities[]",
    }


def _events(text: str) -> list[dict[str, Any]]:
    *events, end = text.split("\n\n")
    assert end == ""
    return [json.loads(event.removeprefix("data: ")) for event in events]


async def _held(client: httpx.AsyncClient, fakes: FakeSpeechServing, data: bytes) -> "asyncio.Task[httpx.Response]":
    """A request whose first window is in the engine and stays there."""
    fakes.transcriber.gate.clear()
    fakes.transcriber.entered.clear()
    held = asyncio.create_task(send(client, data))
    await until(fakes.transcriber.entered.is_set)
    return held


async def _release(fakes: FakeSpeechServing, held: "asyncio.Task[httpx.Response]") -> None:
    fakes.transcriber.gate.set()
    assert (await held).status_code == 200
