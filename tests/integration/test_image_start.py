"""How an image starts, and when it says that it is ready."""

import json
import threading
import time

import pytest
from docker.models.containers import Container
from tests.integration.subjects import START_TIMEOUT_S, Subject, container_of, eventually, python_in, ready

from coldstart_harness.ports import free_port_from
from coldstart_harness.service import SESSIONS_PATH, Service, status_of

pytestmark = pytest.mark.docker

# As OpenShift gives them out: a number that no file in the image knows.
RANDOM_UID = 1000770000
PROMPT = {"prompt": "The cat sat on the"}

# Runs inside the container, which has no network but its own loopback.
ASK_INSIDE = """
import json, time, urllib.error, urllib.request
base = "http://127.0.0.1:{port}"
deadline = time.monotonic() + {timeout}
while True:
    try:
        urllib.request.urlopen(base + "/readyz", timeout=2)
        break
    except OSError:
        if time.monotonic() > deadline:
            raise SystemExit(urllib.request.urlopen(base + "/health").read().decode())
        time.sleep(0.05)
request = urllib.request.Request(
    base + "{path}", json.dumps({prompt}).encode(), {{"content-type": "application/json"}}
)
print(urllib.request.urlopen(request).read().decode())
"""

# Every file below the only writable directory, and every TCP connection that does not end at the service's port.
TRACES_INSIDE = """
import os
files = [os.path.join(directory, name) for directory, _, names in os.walk("/tmp") for name in names]
rows = [row.split() for table in ("tcp", "tcp6") for row in list(open(f"/proc/net/{{table}}"))[1:]]
port = f"{port:04X}"
calls = [row[2] for row in rows if row[2].rpartition(":")[2] != "0000" and row[1].rpartition(":")[2] != port]
print(files + calls)
"""


def mass_of(distribution: dict[str, object]) -> float:
    slices = distribution["slices"]
    assert isinstance(slices, list)
    rest = distribution["rest_probability"]
    assert isinstance(rest, float)
    return sum(float(s["probability"]) for s in slices) + rest


def test_its_process_has_no_privileges(subject: Subject) -> None:
    """The running server is user 1000, with no capability and no way to get one."""
    with ready(subject) as (container, _service):
        status, output = python_in(container, "print(open('/proc/1/status').read())")
    assert status == 0, output
    fields = dict(line.split(":", 1) for line in output.splitlines() if ":" in line)
    assert fields["Uid"].split() == ["1000"] * 4
    assert int(fields["CapEff"], 16) == int(fields["CapPrm"], 16) == int(fields["CapBnd"], 16) == 0
    assert fields["NoNewPrivs"].strip() == "1"


def test_answers_in_lockdown(subject: Subject) -> None:
    """As an unknown user without network, writable root and capabilities it becomes ready and answers."""
    options = {"network_mode": "none", "user": str(RANDOM_UID), "pids_limit": 512, "tmpfs": {}}
    with container_of(subject, **options) as container:
        question = ASK_INSIDE.format(port=subject.port, timeout=START_TIMEOUT_S, path=SESSIONS_PATH, prompt=PROMPT)
        status, output = python_in(container, question)
        assert status == 0, output
        _, identity = python_in(container, "import os; print(os.getuid())")
    assert identity.strip() == str(RANDOM_UID)
    assert mass_of(json.loads(output)["distribution"]) == pytest.approx(1, abs=1e-6)


def test_writes_nothing_and_calls_nobody(subject: Subject) -> None:
    """After a start with a network and an answer, no file lies in /tmp and no connection leads out."""
    with ready(subject) as (container, service):
        assert status_of(service.post(SESSIONS_PATH, PROMPT)) == 201
        status, output = python_in(container, TRACES_INSIDE.format(port=subject.port))
    assert (status, output.strip()) == (0, "[]")


def test_is_ready_only_when_it_answers(subject: Subject) -> None:
    """From the first connection on, whenever readiness says 200 the next real request succeeds."""
    port = free_port_from(18000)
    service = Service(f"http://127.0.0.1:{port}")
    container = container_of(subject)
    container.ports[f"{subject.port}/tcp"] = ("127.0.0.1", port)
    # The engine's call returns only after the process runs: asking begins before.
    starting = threading.Thread(target=container.start)
    observed: list[tuple[int | None, int | None]] = []
    try:
        starting.start()
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline and sum(readiness == 200 for readiness, _ in observed) < 5:
            readiness = service.get("/readyz")
            answer = service.post(SESSIONS_PATH, PROMPT)
            observed.append((status_of(readiness), status_of(answer)))
    finally:
        starting.join()
        container.stop()
    assert observed[0][0] != 200, "asking began too late to see the start"
    assert observed[-1][0] == 200, f"never ready within {START_TIMEOUT_S:.0f} s: {observed[-5:]}"
    assert [pair for pair in observed if pair[0] == 200 and pair[1] != 201] == []


def test_its_health_check_turns_healthy(subject: Subject) -> None:
    """The engine calls the container healthy by the image's own check."""
    second_ns = 1_000_000_000
    with container_of(subject, healthcheck={"interval": second_ns}) as container:
        inner: Container = container.get_wrapped_container()

        def is_healthy() -> bool:
            inner.reload()
            return bool(inner.attrs["State"]["Health"]["Status"] == "healthy")

        eventually(is_healthy, "the engine calls the container healthy")


def test_an_unknown_service_mode_stops_it(subject: Subject) -> None:
    """An unknown SERVICE_MODE ends the process with status 2 and a sentence with the value and those allowed."""
    with container_of(subject).with_env("SERVICE_MODE", "toaster") as container:
        assert container.wait() == 2
        log = b"".join(container.get_logs()).decode()
    assert "toaster" in log
    assert "wheel" in log
    assert "Traceback" not in log
