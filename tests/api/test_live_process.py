"""A whole process with a live transcription open: what its stop does to it."""

import json
import signal
from pathlib import Path

import pytest
from tests.asr_serving import write_speech_manifest
from tests.live_serving import PATH, pcm
from tests.processes import server_process
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect


def test_sigterm_costs_a_live_session_no_words(tmp_path: Path) -> None:
    """The segment that is being written down is told, then the session is closed for the restart; the status is 0."""
    environ = {"SERVICE_MODE": "asr", "MODELS_MANIFEST": str(write_speech_manifest(tmp_path, "tiny"))}
    with server_process("tests.serve_fake_speech", **environ) as server:
        server.wait_ready()
        server.signal(signal.SIGUSR2)
        url = f"ws://127.0.0.1:{server.client.base_url.port}{PATH}"
        with connect(url, proxy=None) as live:
            live.send(json.dumps({"type": "start", "partials": False}))
            live.send(pcm((1, 2.0), (0, 1.0)))
            assert [json.loads(live.recv())["type"] for _ in range(2)] == ["ready", "speech_started"]
            server.signal(signal.SIGTERM)
            server.poll("/readyz", lambda reply: reply.json()["detail"] == "the process is shutting down")
            server.signal(signal.SIGUSR1)
            final, error = json.loads(live.recv()), json.loads(live.recv())
            with pytest.raises(ConnectionClosed):
                live.recv()
            assert live.close_code == 1012
        assert (final["type"], final["text"], error["type"]) == ("final", "say 1", "error")
        assert server.finish() == 0
