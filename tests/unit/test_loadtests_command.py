"""The command's own answers, each in a process of its own: before any user comes, and without a container."""

import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from loadtests.__main__ import main
from loadtests.settings import Settings, settings_in

ROOT = Path(__file__).parents[2]
TOKEN = "a-token-nobody-may-see"
SLO = """
version = 1
[service.toy]
port = 1
liveness = "/"
readiness = "/"
requests.hello = { path = "/hello", expect = { json = { answer = 42 } } }
promises = { p99_ms = 5000, deadline_s = 5 }
"""


class Toy(http.server.BaseHTTPRequestHandler):
    """Answers rightly, and to /secret/… with the token that came; who has none is told so."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """The beginning of a stream whose end never comes."""
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"9\r\ndata: 1\n\n\r\n")
        self.close_connection = True

    def do_GET(self) -> None:
        right = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        body = json.dumps({"answer": 42} if right else {"met": self.headers.get("Authorization")}).encode()
        self.send_response(200 if right else 401)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Silent."""


@pytest.fixture
def toy() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Toy)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def slo(tmp_path: Path) -> Path:
    path = tmp_path / "slo.toml"
    path.write_text(SLO)
    return path


def load(*arguments: str | Path, **environ: str) -> tuple[int, str]:
    """Run the command to its end: exit status, and all that it printed, without breaks of lines."""
    done = subprocess.run(  # noqa: S603 - the interpreter that runs the tests
        [sys.executable, "-m", "loadtests", *map(str, arguments)],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT / 'harness'}:{ROOT}", "HOME": "/nonexistent", **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, " ".join((done.stdout + done.stderr).split())


def test_a_host_where_nobody_answers_is_one_sentence(slo: Path) -> None:
    """The exit status is 1, the sentence has the address, and there is no traceback."""
    status, said = load("--host", "http://127.0.0.1:9", "--slo", slo)
    assert status == 1
    assert "load: GET http://127.0.0.1:9/hello (request 'hello') was not answered rightly: " in said
    assert "refused" in said
    assert "Traceback" not in said


def test_an_answer_that_is_not_right_ends_it_before_users_come(toy: str, slo: Path) -> None:
    """What answers at that address is not the service: status 1, with what was met."""
    status, said = load("--host", toy, "--slo", slo)
    assert status == 1
    assert "status 401 instead of 200" in said


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "--host URL is missing"),
        (["--host", "127.0.0.1:8000"], "--host is like"),
        (["--host", "http://me:secret@127.0.0.1"], "--host holds a user or a password"),
        (["--host", "http://h", "--profile", "storm"], "no profile 'storm'"),
        (["--host", "http://h", "--duration", "long"], "a duration is like"),
        (["--host", "http://h", "--service", "kettle"], "no service 'kettle'; there are: toy"),
        (["--host", "http://h", "--token", "a", "--token-file", "b"], "one of them is wanted"),
        (["--host", "http://h", "--token-file", "/nonexistent"], "/nonexistent cannot be read"),
        (["--host", "http://h", "--ca", "/nonexistent"], "/nonexistent cannot be read as a file of certificates"),
        (["--host", "http://h", "--json", "/proc/nowhere/a.json"], "/proc/nowhere/a.json cannot be written"),
        (["--master", "--worker"], "a master or a worker, not both"),
        (["compare", "/nonexistent", "/nonexistent"], "/nonexistent cannot be read"),
    ],
)
def test_wrong_use_is_one_sentence_and_status_2(
    slo: Path,
    arguments: list[str],
    complaint: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each has the value met, and shows no secret."""
    monkeypatch.setenv("COLDSTART_SLO", str(slo))
    monkeypatch.setattr(sys, "argv", ["load", *arguments])
    with pytest.raises(SystemExit) as left:
        main()
    said = " ".join(capsys.readouterr().err.split())
    assert (left.value.code, complaint in said, "secret" in said) == (2, True, False), said


def test_a_token_is_sent_and_shown_nowhere(toy: str, slo: Path, tmp_path: Path) -> None:
    """With it the service answers rightly, and no output and no report holds it."""
    secret = tmp_path / "token"
    secret.write_text(TOKEN + "\n")
    reports = tmp_path / "reports"
    flags = ["--csv", reports / "toy", "--html", reports / "toy.html", "--json", reports / "toy.json"]
    status, said = load(
        "--host", toy, "--slo", slo, "--users", "3", "--duration", "2", *flags, LOAD_TOKEN_FILE=str(secret)
    )
    assert status == 0, said
    assert "kept: p99_ms of hello" in said
    written = {path.name: path.read_text() for path in reports.iterdir()}
    assert {"toy_stats.csv", "toy.html", "toy.json"} <= set(written)
    assert [name for name, text in {**written, "output": said}.items() if TOKEN in text] == []


def test_a_token_in_an_answer_is_not_repeated(toy: str, slo: Path) -> None:
    """Where a service tells a caller the token that it does not take, the report has stars."""
    status, said = load("--host", toy, "--slo", slo, LOAD_TOKEN="another-secret")
    assert status == 1
    assert "***" in said
    assert "another-secret" not in said


def test_locust_runs_the_file_by_itself(toy: str, slo: Path) -> None:
    """`locust -f` with its own flags ends with the same verdict and status."""
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "harness"), "HOME": "/nonexistent"}
    flags = ["--headless", "--host", toy, "--profile", "smoke", "--run-time", "2s"]
    done = subprocess.run(  # noqa: S603 - the interpreter that runs the tests
        [sys.executable, "-m", "locust", "-f", "loadtests/any_service.py", *flags],
        cwd=ROOT,
        env={**environ, "COLDSTART_SLO": str(slo), "LOAD_TOKEN": TOKEN},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "kept: p99_ms of hello" in done.stdout


def test_a_stream_that_is_cut_is_lost_and_named(toy: str, slo: Path) -> None:
    """The users go on, and the verdict says how many answers were lost and why."""
    stream = '{ path = "/", json = {}, stream = true, expect = { last_event = "[DONE]" } }'
    slo.write_text(SLO.replace("promises =", f"requests.stream = {stream}\npromises ="))
    status, said = load("--host", toy, "--slo", slo, "--users", "4", "--duration", "4", LOAD_TOKEN=TOKEN)
    assert status == 1, said
    assert "× stream: HTTPParseError" in said
    assert "broken: error_ratio" in said
    assert "kept: p99_ms of hello" in said


def test_settings_go_through_the_environment_unchanged() -> None:
    """What the command was told is what the locust process reads."""
    told = Settings(
        slo=Path("/a.toml"), service="s", image="i", token="t", ca=Path("/ca"), insecure=True, json=Path("/j")
    )
    assert settings_in(told.environment()) == told
    assert settings_in(Settings().environment()) == Settings()


def test_settings_do_not_show_the_token() -> None:
    """Printed, they hold everything but it."""
    assert TOKEN not in repr(Settings(token=TOKEN))
