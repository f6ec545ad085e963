"""`python -m coldstart.apps.interview_container.process_one`: supervisord, and what its configuration cannot say.

The container ends when the API does, with a status that tells how; when either of both cannot start as configured it
ends with that one's status, for no restart would help. A worker that dies is started again and again, ever more slowly.
"""

import contextlib
import json
import os
import signal
import sys
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

from supervisor import events, loggers
from supervisor.medusa.asyncore_25 import ExitNow
from supervisor.options import ServerOptions
from supervisor.states import SupervisorStates
from supervisor.supervisord import Supervisor

from coldstart.apps.interview_container.lines import LineBuffer, labelled
from coldstart.domain.errors import EXIT_CONFIGURATION

_CONFIGURATION = Path(__file__).with_name("supervisord.conf")
_API = "api"
_LONGEST_BACKOFF_S = 30
# supervisord's levels by their numbers, as our own logs call them.
_LEVELS = {10: "debug", 20: "info", 30: "warning", 40: "error", 50: "critical"}
_STOPS = frozenset({signal.SIGTERM, signal.SIGINT})
# Of waitpid, as a shell tells of a process that a signal has ended.
_SIGNALLED = 128


class _Output:
    """Writes lines of processes to this one's own streams."""

    def __init__(self) -> None:
        self._buffers: defaultdict[tuple[str, str], LineBuffer] = defaultdict(LineBuffer)

    def take(self, process: str, channel: str, data: bytes) -> None:
        self.write(process, channel, self._buffers[process, channel].feed(data))

    def finish(self, process: str) -> None:
        for channel in ("stdout", "stderr"):
            self.write(process, channel, self._buffers[process, channel].finish())

    def write(self, process: str, channel: str, lines: list[bytes]) -> None:
        stream = sys.stdout if channel == "stdout" else sys.stderr
        try:
            for line in lines:
                stream.buffer.write(labelled(process, line) + b"\n")
            stream.buffer.flush()
        except OSError:
            pass  # nobody reads any more; both processes are to go on


class _OwnLog(loggers.Handler):  # type: ignore[misc]  # the package has no types
    """supervisord's own events, as the logs of both processes have theirs."""

    def __init__(self, output: _Output, *, as_json: bool) -> None:
        super().__init__()
        self._output = output
        self._as_json = as_json

    def emit(self, record: loggers.LogRecord) -> None:
        """Write one event."""
        text = str(record.msg % record.kw if record.kw else record.msg)
        level = _LEVELS.get(record.level, "debug")
        if self._as_json:
            at = datetime.now(UTC).isoformat().replace("+00:00", "Z")
            text = json.dumps({"event": text, "level": level, "logger": "supervisord", "timestamp": at})
        self._output.write("supervisor", "stderr", [text.encode()])

    def close(self) -> None:
        """There is nothing to close."""


class _Options(ServerOptions):  # type: ignore[misc]
    """supervisord's options, without any file."""

    def __init__(self, output: _Output) -> None:
        super().__init__()
        self._output = output
        self.last_exit = 0

    def waitpid(self) -> tuple[int | None, int | None]:
        """Keeps the status, for supervisord forgets that of a start that failed."""
        pid, status = super().waitpid()
        if pid:
            code = os.waitstatus_to_exitcode(status)
            self.last_exit = code if code >= 0 else _SIGNALLED - code
        return pid, status

    def write_pidfile(self) -> None:
        """Everybody knows it: 1."""

    def make_logger(self) -> None:
        """Without the warning of running as root: nothing in the image asks for it, whoever starts it may."""
        self.logger = loggers.getLogger(self.loglevel)
        handler = _OwnLog(self._output, as_json=os.environ["SUPERVISED_LOGS"] == "json")
        handler.setLevel(self.loglevel)
        self.logger.addHandler(handler)

    def setsignals(self) -> None:
        """Also lets in what was held back while this process became the supervisor."""
        super().setsignals()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)

    def fork(self) -> int:
        """A signal to stop that a child gets before it is its own program is held back: our handler would lose it."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
        pid: int = -1
        try:
            pid = super().fork()
        finally:
            if pid:
                signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
        return pid

    def execve(self, filename: str, argv: list[str], env: dict[str, str]) -> None:
        """In a child: what was held back ends it."""
        for stop in _STOPS:
            signal.signal(stop, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
        super().execve(filename, argv, env)


class _Wakening:
    """Ends supervisord's waiting when a signal comes: by itself it looks once a second."""

    def __init__(self) -> None:
        self.fd, writing = os.pipe()
        os.set_blocking(self.fd, False)
        os.set_blocking(writing, False)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def handle_read_event(self) -> None:
        os.read(self.fd, 4096)

    def handle_error(self) -> None:
        """A pipe of one's own has none."""


class _ProcessOne(Supervisor):  # type: ignore[misc]
    """supervisord with an exit status."""

    def __init__(self, options: _Options, output: _Output) -> None:
        super().__init__(options)
        self._output = output
        self.exit_status = 0

    def runforever(self) -> None:
        """Run both until it is over; raises ExitNow then."""
        events.subscribe(events.ProcessLogEvent, self._pass_on)
        events.subscribe(events.ProcessStateEvent, self._follow)
        wakening = _Wakening()
        self.options.get_socket_map()[wakening.fd] = wakening
        # Its loop begins with a second of waiting.
        for group in self.process_groups.values():
            group.transition()
        super().runforever()

    def _pass_on(self, event: events.ProcessLogEvent) -> None:
        self._output.take(event.process.config.name, event.channel, event.data)

    def _follow(self, event: events.ProcessStateEvent) -> None:
        process = event.process
        name = process.config.name
        match event:
            case events.ProcessStateStoppedEvent() if process.pid:
                self._output.finish(name)
                # Before it listens to it, the signal to stop ends a process as it ends any.
                if self.options.last_exit not in (0, _SIGNALLED + signal.SIGTERM):
                    self.exit_status = self.exit_status or self.options.last_exit
            case events.ProcessStateExitedEvent() | events.ProcessStateBackoffEvent() if process.pid:
                self._output.finish(name)
                self._has_ended(name, self.options.last_exit)
            case events.ProcessStateFatalEvent() if name == _API:
                self._has_ended(name, 1)
        if isinstance(event, events.ProcessStateBackoffEvent):
            # The next time it counts one more, and waits as many seconds.
            process.backoff = min(process.backoff, _LONGEST_BACKOFF_S - 1)

    def _has_ended(self, name: str, status: int) -> None:
        """What follows from an end that nobody asked for."""
        if status == EXIT_CONFIGURATION:
            self._end(status)
        elif name == _API:
            self._end(status or 1)

    def _end(self, status: int) -> None:
        if self.options.mood == SupervisorStates.RUNNING:
            self.exit_status = status
            self.options.mood = SupervisorStates.SHUTDOWN


def main() -> int:
    """Run both processes until one of them ends the container, or a signal does.

    Returns:
        0 after a stop that was asked for, when both ended by themselves; that of the process that ended the container.
    """
    output = _Output()
    options = _Options(output)
    options.realize(["-c", str(_CONFIGURATION)], doc=__doc__)
    options.first = True
    options.test = False
    supervisor = _ProcessOne(options, output)
    with contextlib.suppress(ExitNow):
        supervisor.main()
    return supervisor.exit_status


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.exit(status)
