"""Installing Docker from the system's own packages and starting its daemon, with or without an init system."""

import os
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from coldstart_harness import apt
from coldstart_harness.errors import EngineUnavailable
from coldstart_harness.process import follow

SOCKET = Path("/var/run/docker.sock")
_ANSWER_TIMEOUT_S = 60.0
_POLL_S = 0.1
_LOG_LINES = 15

Say = Callable[[str], None]


def provide(say: Say) -> str:
    """Install `docker.io` where it is missing, start its daemon, and return its address once it answers.

    Raises:
        EngineUnavailable: not root, not Debian or Ubuntu, or a step failed; the details are its last lines.
    """
    if os.geteuid() != 0:
        raise EngineUnavailable(_sentence_for_a_person())
    if apt.system_program("dockerd") is None:
        if not apt.can_install():
            raise EngineUnavailable(_sentence_for_a_person())
        _install(say)
    if not _start_by_init(say):
        _spawn(say)
    return f"unix://{SOCKET}"


def _sentence_for_a_person() -> str:
    if apt.system_program("apt-get"):
        command = "sudo apt-get install -y docker.io && sudo usermod -aG docker $USER"
        return f"no Docker or Podman answers; run `{command}`, log in again and repeat the command"
    if apt.system_program("podman"):
        return "Podman's API is not running; run `systemctl --user start podman.socket` and repeat the command"
    return "no Docker or Podman answers; install one with this system's package manager and start it"


def _install(say: Say) -> None:
    done = apt.install(["docker.io"], say)
    if done.status or apt.system_program("dockerd") is None:
        raise EngineUnavailable("apt-get could not install docker.io", details=_last(done.tail))


def _start_by_init(say: Say) -> bool:
    init = apt.init_system()
    if init is None:
        return False
    say(f"starting Docker by {init}")
    command = ["systemctl", "start", "docker"] if init == "systemd" else ["service", "docker", "start"]
    done = follow(command, environment={"PATH": apt.SYSTEM_PATH})
    if done.status == 0 and _answers_within(_ANSWER_TIMEOUT_S, alive=lambda: True):
        return True
    if init == "systemd":
        raise EngineUnavailable(
            "systemd could not start Docker; `journalctl -u docker` says why", details=_last(done.tail)
        )
    return False


def _spawn(say: Say) -> None:
    """Start dockerd in the background, by the first storage driver that works."""
    log = _state_directory() / "dockerd.log"
    for driver in ("", "vfs"):
        say(f"starting dockerd{f' with the storage driver {driver}' if driver else ''}; its log: {log}")
        process = _dockerd(log, driver)
        if _answers_within(_ANSWER_TIMEOUT_S, alive=lambda process=process: process.poll() is None):  # type: ignore[misc]
            return
        if process.poll() is None:
            process.terminate()
            process.wait()
        if not _is_about_storage(_tail_of(log)):
            break
    raise EngineUnavailable(_reason(_tail_of(log)), details=_tail_of(log))


def _dockerd(log: Path, driver: str) -> "subprocess.Popen[bytes]":
    # What runs here listens on loopback and asks nobody for anything: no firewall rule, no forwarding. The daemon then
    # leaves a network that it may share with others as it was, and needs no netfilter in the kernel.
    command = ["dockerd", f"--host=unix://{SOCKET}", "--iptables=false", "--ip6tables=false", "--ip-forward=false"]
    if driver:
        command.append(f"--storage-driver={driver}")
    with log.open("wb") as output:
        return subprocess.Popen(  # noqa: S603 - no shell, arguments are ours
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={**os.environ, "PATH": apt.SYSTEM_PATH},
            executable=apt.system_program("dockerd"),
            start_new_session=True,
        )


def _state_directory() -> Path:
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    directory = Path(base) / "coldstart"
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _answers_within(timeout_s: float, *, alive: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline and alive():
        if _answers():
            return True
        time.sleep(_POLL_S)
    return _answers()


def _answers() -> bool:
    """Whether the daemon says OK to a ping: it listens before it can be used."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(str(SOCKET))
            connection.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return b" 200 " in connection.recv(64)
    except OSError:
        return False


def _is_about_storage(log: str) -> bool:
    return "graphdriver" in log or "storage-driver" in log or "storage driver" in log


def _reason(log: str) -> str:
    if "cgroup" in log.lower():
        return "dockerd found no usable control groups; mount them (Debian's package cgroupfs-mount does) and repeat"
    if "operation not permitted" in log.lower():
        return "dockerd was refused by this system; it needs full root, such as `docker run --privileged` gives"
    return "dockerd ended or did not answer"


def _tail_of(log: Path) -> str:
    return _last(log.read_text(encoding="utf-8", errors="replace")) if log.exists() else ""


def _last(text: str) -> str:
    return "\n".join(text.rstrip().splitlines()[-_LOG_LINES:])
