"""A small inference server that does everything right, and one class for each thing that servers do wrong.

It runs alone in an image of somebody else: nothing but the standard library, nothing of this project.

    python server.py FAULT
"""

import asyncio
import hashlib
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PORT = 8080
WEIGHTS = Path("/srv/weights/weights.bin")
WEIGHTS_SHA256 = Path("/srv/weights/weights.sha256")
BUILD_S = 0.2
WARM_UP_S = 0.05
WORK_S = 0.05
SLOW_S = 0.75
# Addresses of nobody (RFC 5737).
OUTSIDE = ("203.0.113.7", 443)
NAME_SERVER = ("203.0.113.53", 53)
SLOTS = 2
QUEUE = 10
# Long enough that whoever looks sees readiness turn before nobody answers.
LINGER_S = 0.5

Answer = tuple[int, Mapping[str, Any]]


def since_process_start_s() -> float:
    """Seconds since the kernel made this process (proc_pid_stat(5), field 22)."""
    fields = Path("/proc/self/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")


class Model:
    """Weights from one file, and how far they are. Its load blocks; it is for a thread."""

    def __init__(self) -> None:
        self.state = "loading"
        self.reason = ""
        self.began_s: float | None = None
        self.phases: dict[str, float] = {}
        self._sum = 0

    def load(self) -> None:
        self.began_s = since_process_start_s()
        begun = time.monotonic()
        content = WEIGHTS.read_bytes()
        if not self.is_genuine(content):
            self.state, self.reason = "failed", f"{WEIGHTS} has not the sha256 that it should have"
            return
        self.state = "building"
        read = time.monotonic()
        self._sum = sum(content)
        time.sleep(BUILD_S)
        built = time.monotonic()
        time.sleep(WARM_UP_S)
        self.phases = {"read_s": read - begun, "build_s": built - read, "warmup_s": time.monotonic() - built}
        self.state = "ready"

    def is_genuine(self, content: bytes) -> bool:
        return hashlib.sha256(content).hexdigest() == WEIGHTS_SHA256.read_text(encoding="ascii").strip()

    def predict(self, x: int) -> int:
        return (self._sum * x) % 9973


class Server:
    """Ready when the model is, bounded under load, patient with what it accepted when it is told to stop."""

    def __init__(self) -> None:
        self.model = Model()
        self.marks: dict[str, float] = {"imports": since_process_start_s()}
        self.stopping = asyncio.Event()
        self.idle = asyncio.Event()
        self.idle.set()
        self.waiting = 0
        self._slots = asyncio.Semaphore(SLOTS)

    # What the faults change.

    def is_ready(self) -> bool:
        return self.model.state == "ready" and not self.stopping.is_set()

    def is_full(self) -> bool:
        return self.waiting >= SLOTS + QUEUE

    def on_sigterm(self) -> None:
        self.stopping.set()

    def before_start(self) -> None:
        return

    async def before_answer(self) -> None:
        return

    def startup(self) -> dict[str, float]:
        return self.marks

    # What all have in common.

    async def run(self) -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self.on_sigterm)
        self.before_start()
        listener = await asyncio.start_server(self._connection, "0.0.0.0", PORT, backlog=1024)  # noqa: S104
        self.mark("listening")
        await asyncio.to_thread(self.model.load)
        if self.model.state == "ready":
            self.mark("models")
            self.mark("ready")
        await self.stopping.wait()
        await asyncio.sleep(LINGER_S)
        await self.idle.wait()
        listener.close()
        # Who was accepted in the last moment is answered too.
        await asyncio.sleep(LINGER_S / 5)

    def mark(self, phase: str) -> None:
        self.marks[phase] = since_process_start_s()

    async def answer(self, path: str, body: bytes) -> Answer:
        if path == "/livez":
            return 200, {"status": "alive"}
        if path == "/readyz":
            return (200 if self.is_ready() else 503), {"model": self.model.state, "reason": self.model.reason}
        if path == "/health":
            return 200, self._health()
        if path == "/predict":
            return await self._predict(body)
        return 404, {"error": f"there is no {path}"}

    def _health(self) -> Mapping[str, Any]:
        model = {
            "state": self.model.state,
            "reason": self.model.reason,
            "revision": "1",
            "required": True,
            "began_s": self.model.began_s,
            "phases": self.model.phases,
        }
        return {"models": {"sum": model}, "startup": self.startup()}

    async def _predict(self, body: bytes) -> Answer:
        if self.stopping.is_set() or self.model.state != "ready":
            return 503, {"error": "not ready"}
        if self.is_full():
            return 429, {"error": "the queue is full"}
        self.waiting += 1
        self.idle.clear()
        try:
            async with self._slots:
                await asyncio.sleep(WORK_S)
            await self.before_answer()
            return 200, {"y": self.model.predict(int(json.loads(body)["x"]))}
        finally:
            self.waiting -= 1
            if not self.waiting:
                self.idle.set()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its answer; whether another may follow on the connection."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        request, *lines = head.rstrip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        status, document = await self.answer(request.split()[1], body)
        keeps = headers.get("connection", "").lower() != "close" and not self.stopping.is_set()
        content = json.dumps(document).encode()
        fields = {
            "Content-Type": "application/json",
            "Content-Length": str(len(content)),
            "Connection": "keep-alive" if keeps else "close",
            **({"Retry-After": "1"} if status in (429, 503) else {}),
        }
        lines = [f"HTTP/1.1 {status} -", *(f"{name}: {value}" for name, value in fields.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode() + content)
        await writer.drain()
        return keeps


class ReadyTooEarly(Server):
    """Says that it is ready as soon as it has the right weights, before there is a model of them."""

    def is_ready(self) -> bool:
        return self.model.state in ("building", "ready") and not self.stopping.is_set()


class TrustingModel(Model):
    def is_genuine(self, content: bytes) -> bool:
        return True


class ReadyWhileModelFailed(Server):
    """Serves whatever bytes it finds."""

    def __init__(self) -> None:
        super().__init__()
        self.model = TrustingModel()


class DropsInFlight(Server):
    """Ends at once, with everybody's request."""

    def on_sigterm(self) -> None:
        os._exit(0)


class NeedsRoot(Server):
    """Will not start as anybody else."""

    def before_start(self) -> None:
        if os.getuid() != 0:
            sys.exit("this server must be root")


class CallsHome(Server):
    """Tells somebody outside that it was started, and asks where he lives; never mind when nobody is there."""

    def before_start(self) -> None:
        threading.Thread(target=self._connect, daemon=True).start()
        threading.Thread(target=self._look_up, daemon=True).start()

    def _connect(self) -> None:
        try:
            socket.create_connection(OUTSIDE, timeout=3).close()
        except OSError:
            return

    def _look_up(self) -> None:
        query = bytes.fromhex("1234 0100 0001 0000 0000 0000") + b"\x07example\x03com\x00" + bytes.fromhex("0001 0001")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            try:
                asking.connect(NAME_SERVER)
                asking.send(query)
            except OSError:
                return


class Collapses(Server):
    """Refuses nobody, and works on for those who have left."""

    def is_full(self) -> bool:
        return False


class SlowTail(Server):
    """Every twentieth answer takes long."""

    def __init__(self) -> None:
        super().__init__()
        self._answers = 0

    async def before_answer(self) -> None:
        self._answers += 1
        if self._answers % 20 == 0:
            await asyncio.sleep(SLOW_S)


class ClockLiar(Server):
    """Tells of a start in a tenth of the time that it took."""

    def startup(self) -> dict[str, float]:
        return {phase: seconds / 10 for phase, seconds in self.marks.items()}


FAULTS: dict[str, type[Server]] = {
    "ready-too-early": ReadyTooEarly,
    "ready-while-model-failed": ReadyWhileModelFailed,
    "drops-in-flight": DropsInFlight,
    "needs-root": NeedsRoot,
    "calls-home": CallsHome,
    "collapses": Collapses,
    "slow-tail": SlowTail,
    "clock-liar": ClockLiar,
}


async def main() -> None:
    # Some faults are the image's and not the server's.
    await FAULTS.get(sys.argv[1], Server)().run()


if __name__ == "__main__":
    asyncio.run(main())
