"""Asking a container from within its own network, where no packet comes in from outside."""

import ctypes
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

from docker.models.containers import Container

from coldstart_harness import container as containers
from coldstart_harness.errors import NotVisible, ServiceFailed

T = TypeVar("T")

# <linux/sched.h>: the kind of namespace that setns(2) is to find.
_CLONE_NEWNET = 0x40000000


def in_network_of(container: Container, work: Callable[[], T]) -> T:
    """What `work` returns when it runs in the network of a running container, in a thread of its own.

    Sockets that it opens, and threads that it starts, are in that network; the caller and all else stay where they are.

    Raises:
        NotVisible: this process may not enter, or the container runs on another machine.
        ServiceFailed: the container has ended; the details are its last log lines.
        Exception: whatever `work` raises.
    """
    process = process_of(container)
    try:
        return run_in(process / "ns/net", work)
    except FileNotFoundError:
        raise _ended(container) from None


def process_of(container: Container) -> Path:
    """The entry in /proc of a running container's first process.

    Raises:
        NotVisible: the container runs on another machine, so that its process has another number here.
        ServiceFailed: it has ended.
    """
    container.reload()
    process = Path("/proc", str(container.attrs["State"]["Pid"]))
    if not container.attrs["State"]["Running"]:
        raise _ended(container)
    try:
        groups = process.joinpath("cgroup").read_text(encoding="utf-8")
    except FileNotFoundError:
        groups = ""
    if str(container.id) in groups:
        return process
    if not containers.is_running(container):
        raise _ended(container)
    raise NotVisible("the container's processes are not on this machine, so its network cannot be entered")


def run_in(namespace: Path, work: Callable[[], T]) -> T:
    """What `work` returns when it runs in a network namespace, in a thread of its own.

    Args:
        namespace: a file such as `/proc/42/ns/net`.
        work: called once; it may run an event loop.

    Raises:
        FileNotFoundError: there is no such namespace, or none any more.
        NotVisible: this process may not enter it.
        Exception: whatever `work` raises.
    """
    outcome: Future[T] = Future()

    def enter_and_work() -> None:
        try:
            _enter(namespace)
            outcome.set_result(work())
        except BaseException as error:
            outcome.set_exception(error)

    # A daemon: a caller that is interrupted does not wait for it.
    threading.Thread(target=enter_and_work, name="in another network", daemon=True).start()
    return outcome.result()


def _enter(namespace: Path) -> None:
    try:
        with namespace.open("rb") as entry:
            # os.setns comes with Python 3.12; then this may go.
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.setns(entry.fileno(), _CLONE_NEWNET):
                number = ctypes.get_errno()
                raise OSError(number, os.strerror(number))
    except PermissionError as error:
        raise NotVisible(f"entering a container's network needs root (CAP_SYS_ADMIN): {error.strerror}") from None


def _ended(container: Container) -> ServiceFailed:
    return ServiceFailed(
        f"the container ended: {containers.why_ended(container)}", details=containers.log_tail(container)
    )
