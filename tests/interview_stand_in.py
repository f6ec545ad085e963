"""As much of the interview service as its clients meet, in memory, and with faults to be found."""

import itertools
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, cast

Document = dict[str, Any]
# lost: an accepted answer is not in the report; twice: one is there two times; forgotten: an interview is not there any
# more after an answer; another: the report holds another text; altered: so does the reply to an answer.
Fault = Literal["lost", "twice", "forgotten", "another", "altered"]

QUESTIONS = 2
HEARD = "three one four one five"


@dataclass
class Kept:
    """One interview."""

    state: str = "open"
    answers: dict[int, str] = field(default_factory=dict)


class InterviewStandIn(ThreadingHTTPServer):
    """Interviews of two questions; of `deaf_every` requests with a body one is done and never answered.

    Args:
        fault: what it does wrong.
        deaf_every: 0: every request is answered.
        busy_every: of so many requests one is turned away for no time at all; 0: none is.
    """

    daemon_threads = True

    def __init__(self, fault: Fault | None = None, deaf_every: int = 0, busy_every: int = 0) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.fault = fault
        self.deaf_every = deaf_every
        self.busy_every = busy_every
        self.interviews: dict[str, Kept] = {}
        self.lock = threading.Lock()
        self.numbers = itertools.count(1)
        self.bodies = itertools.count(1)
        self.requests = itertools.count(1)

    def reply_to(self, method: str, path: str, body: Document) -> tuple[int, Document | None]:
        """Status and document of one request."""
        if path == "/sessions/create":
            name = f"{next(self.numbers):032x}"
            self.interviews[name] = Kept()
            return 201, {"session_id": name, "state": "open", "question": _question(1)}
        found = re.fullmatch(r"/sessions/([0-9a-f]{32})(?:/(\w+))?", path)
        interview = self.interviews.get(found[1]) if found else None
        if found is None or interview is None:
            return 404, {"detail": "no such interview"}
        if method == "DELETE":
            del self.interviews[found[1]]
            return 204, None
        return self._reply_of(interview, found[1], found[2], body)

    def _reply_of(self, interview: Kept, name: str, what: str | None, body: Document) -> tuple[int, Document | None]:
        match what:
            case None:
                # A report takes as long as it takes to ask for it.
                state = interview.state
                interview.state = "reported" if state == "finished" else state
                return 200, {"session_id": name, "state": state}
            case "answers":
                return self._accepted(interview, name, body["question_number"], body["text"])
            case "finish":
                interview.state = "finished" if interview.state == "open" else interview.state
                return 202, {"state": interview.state, "report_url": f"/sessions/{name}/report"}
            case "report" if interview.state == "finished":
                interview.state = "reported"
                return 202, {"state": "finished", "job": {"state": "queued"}}
            case _:
                return 200, self._report(interview)

    def _accepted(self, interview: Kept, name: str, number: int, text: str) -> tuple[int, Document | None]:
        if interview.answers.setdefault(number, text) != text:
            return 409, {"detail": "another answer is there"}
        if self.fault == "forgotten":
            del self.interviews[name]
        following = _question(number + 1) if number < QUESTIONS else None
        kept = "something else" if self.fault == "altered" else text
        return 201, {"answer": {"question_number": number, "text": kept}, "question": following}

    def _report(self, interview: Kept) -> Document:
        answers = [
            {**_question(number), "answer": {"kind": "typed", "text": text}}
            for number, text in interview.answers.items()
        ]
        if self.fault == "lost":
            answers.pop()
        elif self.fault == "twice":
            answers.append(answers[0])
        elif self.fault == "another":
            answers[0]["answer"]["text"] = "something else"
        return {"questions": answers, "made_at": "2026-01-02T03:04:05Z"}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        server = cast(InterviewStandIn, self.server)
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if server.busy_every and next(server.requests) % server.busy_every == 0:
            self._send(503, {"detail": "busy"}, {"Retry-After": "0"})
            return
        with server.lock:
            status, document = server.reply_to(self.command, self.path, self._document_in(content))
        if content and server.deaf_every and next(server.bodies) % server.deaf_every == 0:
            self.close_connection = True
            return
        self._send(status, document, {})

    def _document_in(self, content: bytes) -> Document:
        """A JSON body; of a form the number of the question, for whatever sound the recogniser hears the same."""
        if "multipart" in self.headers.get("Content-Type", ""):
            number = re.search(rb'name="question_number"\r\n\r\n(\d+)', content)
            assert number is not None
            return {"question_number": int(number[1]), "text": HEARD}
        return cast(Document, json.loads(content or b"{}"))

    def _send(self, status: int, document: Document | None, headers: dict[str, str]) -> None:
        content = b"" if document is None else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Type", "application/json")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def log_message(self, *_: object) -> None:
        """Silent."""


def _question(number: int) -> Document:
    return {"number": number, "text": f"Question {number}?", "source": "bank"}


@contextmanager
def interviewing(fault: Fault | None = None, deaf_every: int = 0, busy_every: int = 0) -> Iterator[InterviewStandIn]:
    """A stand-in that answers until the end of the block."""
    server = InterviewStandIn(fault, deaf_every, busy_every)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
