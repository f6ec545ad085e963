"""The benchmark's HTTP client."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from coldstart_harness.bench.connection import Connection
from coldstart_harness.errors import ServiceFailed


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/hang-up":
            self.close_connection = True
            return
        answer = f"{self.client_address[1]} {self.headers['Content-Type']} {body.decode()}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_connection_is_kept() -> None:
    """Two requests come from one port; the whole body is there, and its first byte was not later than the last."""
    with serving() as url, Connection(url) as connection:
        answers = [connection.ask("POST", "/", b"sound", "audio/wav") for _ in range(2)]
    first, second = (answer.body.split(maxsplit=1) for answer in answers)
    assert first == second
    assert first[1] == b"audio/wav sound"
    assert 0 < answers[0].first_byte_s <= answers[0].whole_s


@pytest.mark.parametrize(("path", "sentence"), [("/", "to answer 201; it gave 200"), ("/hang-up", "no whole reply")])
def test_anything_but_the_wanted_answer_is_a_failure(path: str, sentence: str) -> None:
    """Another status, or a connection that ends, becomes one sentence."""
    with serving() as url, Connection(url) as connection, pytest.raises(ServiceFailed, match=sentence):
        connection.ask("POST", path, b"", status=201)
