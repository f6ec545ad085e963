"""Whole processes of speech recognition: what a stop does to transcriptions under way."""

import json
import signal
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from tests.asr_serving import write_speech_manifest
from tests.processes import ServerProcess, server_process
from tests.speech_doubles import sound_file

FAKE = "tests.serve_fake_speech"
PATH = "/v1/audio/transcriptions"
# Three windows.
LONG = sound_file(80, (1, 2), (31, 32), (61, 62))


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"SERVICE_MODE": "asr", "MODELS_MANIFEST": str(write_speech_manifest(tmp_path, "tiny"))}


def post(server: ServerProcess, **parts: str) -> httpx.Response:
    return httpx.post(f"{server.client.base_url}{PATH}", files={"file": ("a.wav", LONG)}, data=parts, timeout=30)


def hold_one(server: ServerProcess, pool: ThreadPoolExecutor, **parts: str) -> "Future[httpx.Response]":
    """Have one transcription wait in its first window."""
    server.wait_ready()
    server.signal(signal.SIGUSR2)
    held = pool.submit(post, server, **parts)
    server.poll("/metrics", lambda reply: "transcription_queue_seconds 80.0" in reply.text)
    return held


def test_sigterm_in_mid_transcription_loses_nothing(environ: dict[str, str]) -> None:
    """All windows of what was accepted are written down; new requests get 503; then the status is 0."""
    with server_process(FAKE, **environ) as server, ThreadPoolExecutor() as pool:
        held = hold_one(server, pool)
        server.signal(signal.SIGTERM)
        server.poll("/readyz", lambda reply: reply.json()["detail"] == "the process is shutting down")
        refused = post(server)
        assert (refused.status_code, refused.json()["error"]["type"]) == (503, "service_unavailable_error")
        server.signal(signal.SIGUSR1)
        assert held.result().json()["text"] == "say 1 say 2 say 3"
        assert server.finish() == 0


def test_a_stream_is_told_to_its_end(environ: dict[str, str]) -> None:
    """Its client hears of every segment and of the end."""
    with server_process(FAKE, **environ) as server, ThreadPoolExecutor() as pool:
        held = hold_one(server, pool, stream="true")
        server.signal(signal.SIGTERM)
        server.poll("/readyz", lambda reply: reply.status_code == 503)
        server.signal(signal.SIGUSR1)
        last = held.result().text.rstrip().rpartition("\n\n")[2]
        assert json.loads(last.removeprefix("data: ")) == {"type": "transcript.text.done", "text": "say 1 say 2 say 3"}
        assert server.finish() == 0


def test_after_the_grace_a_transcription_is_refused(environ: dict[str, str]) -> None:
    """With 503 and not a broken connection, so that its client sends it elsewhere."""
    with server_process(FAKE, SHUTDOWN_GRACE_S="0.2", **environ) as server, ThreadPoolExecutor() as pool:
        held = hold_one(server, pool)
        server.signal(signal.SIGTERM)
        assert held.result().status_code == 503
        assert server.finish() == 0
