"""The process of text to speech, with espeak-ng, as a container would run it."""

import os
import signal

import pytest
from tests.processes import ServerProcess, exit_of, server_process
from tests.tts_serving import espeak_manifest

SPEECH = "/v1/audio/speech"
# Minutes of sound, and more bytes than the kernel holds for a client that does not read.
LONG = {"input": "The cat sat on the mat, and nobody said a word. " * 80, "response_format": "wav"}


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(espeak_manifest(tmp_path_factory.mktemp("tts")))


def say(server: ServerProcess, text: str) -> int:
    reply = server.client.post(SPEECH, json={"input": text, "response_format": "pcm"})
    assert reply.status_code == 200, reply.text
    return len(reply.content)


def test_sigterm_loses_nothing_that_is_being_said(manifest: str) -> None:
    """A client that reads slowly gets the whole sound, and then the process ends with status 0."""
    with server_process("coldstart", SERVICE_MODE="tts", MODELS_MANIFEST=manifest) as server:
        server.wait_ready()
        whole = len(server.client.post(SPEECH, json=LONG).content)
        with server.client.stream("POST", SPEECH, json=LONG) as reply:
            pieces = reply.iter_raw()
            length = len(next(pieces))
            server.signal(signal.SIGTERM)
            server.wait_told("shutdown_begins")
            length += sum(map(len, pieces))
        assert server.finish() == 0
    # The voice's breath is drawn anew at each call, which moves a sentence's end by a few samples.
    assert length == pytest.approx(whole, rel=0.01)
    assert next(line["in_flight"] for line in server.log if line["event"] == "shutdown_begins") == 1


def test_the_death_of_espeak_is_not_that_of_the_server(manifest: str) -> None:
    """The next text is said by a new process; no log line has a text in it."""
    with server_process("coldstart", SERVICE_MODE="tts", MODELS_MANIFEST=manifest) as server:
        server.wait_ready()
        before = say(server, "A word of honour.")
        for child in server.children():
            os.kill(child, signal.SIGKILL)
        assert say(server, "A word of honour.") == pytest.approx(before, rel=0.01)
        server.signal(signal.SIGTERM)
        assert server.finish() == 0
    assert "espeak_starts_again" in [line["event"] for line in server.log]
    assert "honour" not in str(server.log)


def test_one_model_can_be_chosen(manifest: str) -> None:
    """TTS_MODEL names it; what is not there is told with what is."""
    status, _, err = exit_of("coldstart", SERVICE_MODE="tts", MODELS_MANIFEST=manifest, TTS_MODEL="kokoro")
    assert status == 2
    assert "has no model 'kokoro' of task 'text-to-speech'; it has espeak" in err
