"""A service of which a test says what it answers."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast


class StandIn(ThreadingHTTPServer):
    """Path → a list of (status, document), the last of which stays; bytes are sent as they are, as HTML.

    Args:
        port: on the loopback address; 0: a free one.
    """

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.answers: dict[str, list[tuple[int, object]]] = {}
        self.headers: dict[str, str] = {}
        self.connections = 0
        self.url = f"http://127.0.0.1:{self.server_port}"

    def next_answer(self, path: str) -> tuple[int, object]:
        answers = self.answers.get(path, [(404, {})])
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections += 1
        super().process_request(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server = cast(StandIn, self.server)
        status, document = server.next_answer(self.path)
        content = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Type", "text/html" if isinstance(document, bytes) else "application/json")
        for name, value in server.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def standing_in(port: int = 0) -> Iterator[StandIn]:
    """A stand-in that answers until the end of the block."""
    server = StandIn(port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
