"""Speech in and out of containers without a network: OpenAI's own client, streams, and what nobody should send."""

import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import av
import httpx
import pytest
import webvtt
from tests.integration.cases import offering
from tests.integration.isolated import Isolated, isolated
from tests.integration.spoken import (
    DIGITS,
    LONG_TEXT,
    SOUND,
    SPEECH,
    TRANSCRIPTIONS,
    client_of,
    model_of,
    said_again_and_again,
)
from tests.integration.subjects import Subject, subjects
from tests.sound_cases import CASES, Heard

from coldstart_harness.slo.loading import load_slo

pytestmark = pytest.mark.docker

SLO = load_slo(Path(__file__).parents[2] / "slo.toml")
TEXT = "Hello there. It is 3:30 pm, and this costs $3.50!"
# Response format → how FFmpeg calls the container; raw samples have none.
CONTAINERS = {"wav": "wav", "mp3": "mp3", "opus": "ogg", "flac": "flac", "aac": "aac", "pcm": None}
# Of the cases of tests/sound_cases.py, which tests/api asks all of.
ODD_SOUNDS = (
    *("nothing", "text named mp3", "noise", "video without sound", "wav with a header of two hours", "wav with NaN"),
    *("wav without samples", "wav cut", "mp3 broken in the middle", "HLS", "wav of 9 channels"),
    *("wav 8 bits", "wav 96 kHz", "wav 6 channels", "mp4 video", "wav of one sample", "wav of silence"),
)
ODD_TEXTS = {
    "nothing": ({"input": ""}, 400, "the text says nothing"),
    "emoji": ({"input": "🙂🎉"}, 400, "the text says nothing"),
    "100,000 characters": ({"input": "a" * 100_000}, 400, "the text has 100000 characters; at most 4096 are taken"),
    "an unknown voice": ({"input": "a", "voice": "eve"}, 400, "has no voice 'eve'; it has "),
    "an unknown model": ({"input": "a", "model": "tts-1"}, 404, "there is no model 'tts-1'; there are: "),
    "an unknown format": ({"input": "a", "response_format": "midi"}, 400, "midi"),
}


@pytest.fixture(scope="module")
def serving() -> Iterator[Callable[[Subject], Isolated]]:
    """Starts a container of an image, or gives the one that is there."""
    with ExitStack() as containers:
        yield cache(lambda subject: containers.enter_context(isolated(subject)))


@pytest.fixture(scope="module")
def asr(listening: Subject, serving: Callable[[Subject], Isolated]) -> Isolated:
    return serving(listening)


@pytest.fixture(scope="module")
def tts(speaking: Subject, serving: Callable[[Subject], Isolated]) -> Isolated:
    return serving(speaking)


def transcribed(asr: Isolated, sound: Any = SOUND, **options: Any) -> Any:
    """What OpenAI's client gets for a sound."""

    def ask(url: str) -> Any:
        with client_of(url) as client:
            return client.audio.transcriptions.create(model=model_of(client, "speech-to-text"), file=sound, **options)

    return asr.ask(ask)


def spoken(tts: Isolated, text: str, **options: Any) -> bytes:
    """What OpenAI's client gets for a text."""

    def ask(url: str) -> bytes:
        with client_of(url) as client:
            model = model_of(client, "text-to-speech")
            return client.audio.speech.create(model=model, voice="default", input=text, **options).content

    return tts.ask(ask)


def gauge(url: str, name: str) -> float:
    """A figure of `/metrics` that has no labels."""
    found = re.search(rf"(?m)^{name} (\S+)$", httpx.get(f"{url}/metrics", trust_env=False).text)
    assert found, f"/metrics has no {name}"
    return float(found[1])


def test_the_client_transcribes(asr: Isolated) -> None:
    """The digits of a recording, with what it cost, as text, and with segments that lie within the sound."""
    plain = transcribed(asr)
    assert (plain.text, plain.usage.seconds) == (DIGITS, pytest.approx(1.7, abs=0.2))
    assert transcribed(asr, response_format="text") == f"{DIGITS}\n"
    verbose = transcribed(asr, response_format="verbose_json")
    assert "".join(segment.text for segment in verbose.segments).strip() == DIGITS
    times = [time for segment in verbose.segments for time in (segment.start, segment.end)]
    assert times == sorted(times)
    assert 0 <= times[0] < times[-1] <= verbose.duration


def test_the_client_gets_the_times_of_words(asr: Isolated) -> None:
    """Of all of them, in order; the starter recogniser's are rough (models/starter/whisper/README.md)."""
    words = transcribed(asr, response_format="verbose_json", timestamp_granularities=["word"]).words
    assert " ".join(word.word.strip() for word in words) == DIGITS
    assert all(word.start < word.end for word in words)
    times = [word.start for word in words]
    assert times == sorted(times)


@pytest.mark.parametrize("form", ["srt", "vtt"])
def test_subtitles_parse(asr: Isolated, form: str) -> None:
    """Another program reads them: the digits, cue after cue."""
    captions = webvtt.from_buffer(io.StringIO(transcribed(asr, response_format=form)), form).captions
    assert " ".join(caption.text for caption in captions) == DIGITS
    assert all(caption.start < caption.end for caption in captions)


def test_segments_come_before_the_work_is_done(asr: Isolated) -> None:
    """When the client has the first segment, other sound still waits to be written down; in the end all is told."""
    times = 3

    def ask(url: str) -> tuple[float, list[Any]]:
        with client_of(url) as client:
            model = model_of(client, "speech-to-text")
            sound = ("digits.wav", said_again_and_again(times))
            with client.audio.transcriptions.create(model=model, file=sound, stream=True) as events:
                first = next(iter(events))
                return gauge(url, "transcription_queue_seconds"), [first, *events]

    waiting_s, (*deltas, done) = asr.ask(ask)
    assert waiting_s > 0
    assert {delta.type for delta in deltas} == {"transcript.text.delta"}
    assert len(deltas) >= times
    assert (done.type, done.text) == ("transcript.text.done", "".join(delta.delta for delta in deltas))
    assert done.text.split() == DIGITS.split() * times


@pytest.mark.parametrize("response_format", CONTAINERS)
def test_the_client_speaks(tts: Isolated, response_format: str) -> None:
    """The same few seconds in every format; raw samples are 24 kHz, as OpenAI's."""
    sound = spoken(tts, TEXT, response_format=response_format)
    if CONTAINERS[response_format] is None:
        seconds = len(sound) / 2 / 24_000
    else:
        with av.open(io.BytesIO(sound), "r") as file:
            assert file.format.name == CONTAINERS[response_format]
            seconds = sum(frame.samples / frame.sample_rate for frame in file.decode(file.streams.audio[0]))
    assert 4.0 < seconds < 9.0


def test_sound_leaves_before_the_last_sentence_is_made(tts: Isolated) -> None:
    """When the client has the first bytes, most of the text is still to be said."""

    def ask(url: str) -> tuple[float, int]:
        with httpx.stream("POST", f"{url}{SPEECH}", json=LONG_TEXT, trust_env=False, timeout=30) as reply:
            pieces = reply.iter_raw()
            first = next(pieces)
            return gauge(url, "speech_queue_characters"), len(first) + sum(map(len, pieces))

    waiting, length = tts.ask(ask)
    assert waiting > len(LONG_TEXT["input"]) / 2
    assert length > 100 * 22_050 * 2


@pytest.mark.parametrize("digits", [DIGITS, "zero six two eight", "nine seven"])
def test_what_is_said_is_written_down(
    asr: Isolated, listening: Subject, serving: Callable[[Subject], Isolated], digits: str
) -> None:
    """Digits that one container says come back from another, or from the same where it offers both."""
    speakers = offering("tts", subjects(), SLO)
    if not speakers:
        pytest.skip("no image under test offers tts")
    speaker = listening if listening in speakers else speakers[-1]
    sound = spoken(serving(speaker), f"{digits}.", response_format="wav")
    assert transcribed(asr, ("said.wav", sound)).text.split() == digits.split()


def test_odd_sounds_are_heard_or_refused_with_a_sentence(asr: Isolated) -> None:
    """By content, whatever the name says; none is the server's failure."""
    odd = [case for case in CASES if case.name in ODD_SOUNDS]
    assert len(odd) == len(ODD_SOUNDS)

    def ask(url: str) -> list[tuple[str, int, str]]:
        wrong = []
        with httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
            for case in odd:
                reply = client.post(TRANSCRIPTIONS, files={"file": ("speech.mp3", case.make())})
                if isinstance(case.then, Heard):
                    right = reply.status_code == 200 and "text" in reply.json()
                else:
                    right = reply.status_code == 400 and all(word in message_of(reply) for word in case.then.words)
                if not right:
                    wrong.append((case.name, reply.status_code, reply.text[:300]))
        return wrong

    assert asr.ask(ask) == []


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_odd_texts_are_refused_with_a_sentence(tts: Isolated, text: str) -> None:
    """In OpenAI's form, with what was wrong."""
    body, status, words = ODD_TEXTS[text]
    reply = tts.ask(lambda url: httpx.post(f"{url}{SPEECH}", json=body, trust_env=False))
    assert (reply.status_code, words in message_of(reply)) == (status, True), reply.text


def message_of(reply: httpx.Response) -> str:
    return str(json.loads(reply.text)["error"]["message"])
