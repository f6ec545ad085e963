"""The image's health check follows readiness."""

import http.server
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from coldstart.apps.healthcheck import check_worker, main
from coldstart.apps.pulse import LATE_AFTER_S, beat, pulse_file


class _Readiness(http.server.BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        assert self.path == "/readyz"
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(b"the reason")

    def log_message(self, *arguments: object) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[http.server.HTTPServer]:
    with http.server.HTTPServer(("127.0.0.1", 0), _Readiness) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("status", "exit_code"), [(200, 0), (503, 1), (404, 1)])
def test_it_is_healthy_when_readiness_says_so(
    server: http.server.HTTPServer,
    status: int,
    exit_code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exit code 0 for 200 and nothing else; the reason is on stderr."""
    monkeypatch.setattr(_Readiness, "status", status)
    assert main(server.server_port) == exit_code
    assert ("the reason" in capsys.readouterr().err) == (exit_code == 1)


def test_nobody_there_is_unhealthy(server: http.server.HTTPServer, capsys: pytest.CaptureFixture[str]) -> None:
    """A port that nobody listens on gives exit code 1 and a sentence with the port."""
    port = server.server_port
    server.server_close()
    assert main(port) == 1
    assert f"does not answer on port {port}" in capsys.readouterr().err


def test_a_worker_is_healthy_while_its_pulse_beats(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not before the first beat, and not when the last one is too long ago."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert check_worker() == 1
    assert "last heard of not yet" in capsys.readouterr().err
    beat()
    assert check_worker() == 0
    late = time.time() - LATE_AFTER_S - 2
    os.utime(pulse_file(), (late, late))
    assert check_worker() == 1
    assert "s ago; wanted: 15 s ago at most" in capsys.readouterr().err
