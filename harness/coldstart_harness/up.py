"""`up` and `down`: an image built, loaded, started and watched until it really answers, and stopped again."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from docker.models.containers import Container
from rich.text import Text

from coldstart_harness import container as containers
from coldstart_harness.engine import Engine, ensure_engine, find_engine
from coldstart_harness.errors import HarnessError, ServiceFailed
from coldstart_harness.figures import format_seconds
from coldstart_harness.images import build_image, load_image
from coldstart_harness.ledger import Ledger
from coldstart_harness.phases import inner_phases, own_start
from coldstart_harness.plan import PlannedImage
from coldstart_harness.ports import free_port_from, is_free
from coldstart_harness.progress import Progress
from coldstart_harness.proofs.running import ask
from coldstart_harness.service import Service
from coldstart_harness.slo.document import Request
from coldstart_harness.slo.document import Service as PromisedService
from coldstart_harness.traffic.curl import curl_line
from coldstart_harness.waiting import wait_until_live, wait_until_ready

DEFAULT_PORT = 8000
DEFAULT_NAME = "coldstart"
_ANSWER_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class UpOptions:
    """What a person may choose.

    Args:
        image: what to run.
        promised: the services that it offers, by name, and how each is asked.
        name: the container's name.
        port: the port on 127.0.0.1; None: 8000, or the next free one.
        timeout_s: seconds from the container's start within which it must be ready.
    """

    image: PlannedImage
    promised: Mapping[str, PromisedService]
    name: str = DEFAULT_NAME
    port: int | None = None
    timeout_s: float = 180.0


def up(options: UpOptions, progress: Progress) -> None:
    """Build, load, start, wait until ready, ask each service once, and say where it is and how long each phase took.

    Raises:
        HarnessError: a phase failed; the message says which and why.
    """
    ledger = Ledger()
    engine = ensure_engine(progress.note)
    with progress.phase("build") as phase:
        description, loader = build_image(engine, options.image, phase.say)
    ledger.add("build", phase.seconds)

    running = _reusable(engine, options, description)
    if running is not None:
        service = Service(containers.url_of(running, options.image.port))
        if service.is_ready():
            progress.note(f"{options.name} already runs this image and is ready")
            _report(progress, options, service, ledger)
            return
    with progress.phase("load") as phase:
        load_image(engine, options.image, loader, phase.say)
    ledger.add("load", phase.seconds)
    service = _start(engine, options, description, progress, ledger)
    _report(progress, options, service, ledger)


def down(name: str, progress: Progress) -> None:
    """Stop the container with its grace and remove it; nothing to stop is no failure.

    Raises:
        HarnessError: it did not end by itself with exit code 0.
    """
    engine = find_engine()
    found = containers.find_container(engine, name) if engine is not None else None
    if found is None:
        progress.note(f"{name} does not run: nothing to stop")
        return
    was_running = containers.is_running(found)
    with progress.phase("stop"):
        stopped = containers.stop_container(found)
    ended = f"{name} ended with exit code {stopped.exit_code}"
    if not was_running:
        progress.note(f"{ended} some time ago; removed")
        return
    progress.note(f"{ended} in {format_seconds(stopped.seconds)}; removed")
    if stopped.exit_code != 0:
        raise ServiceFailed(f"{ended} after the stop signal; 0 is promised")


def _reusable(engine: Engine, options: UpOptions, description: Path) -> Container | None:
    """The container of that name if it runs this very image, where it was asked for."""
    found = containers.find_container(engine, options.name)
    if found is None or not containers.is_running(found):
        return None
    if found.labels.get(containers.STORE_PATH_LABEL) != str(description):
        return None
    url = containers.url_of(found, options.image.port)
    return found if options.port is None or url.endswith(f":{options.port}") else None


def _start(engine: Engine, options: UpOptions, description: Path, progress: Progress, ledger: Ledger) -> Service:
    """Create the container, in the place of an older one, and wait until it is ready."""
    older = containers.find_container(engine, options.name)
    if older is not None:
        progress.note(f"replacing the container {options.name}")
        containers.stop_container(older)
    port = _port(options, progress)
    with progress.phase("create") as phase:
        created = containers.create_container(
            engine,
            options.image.reference,
            name=options.name,
            inner_port=options.image.port,
            host_port=port,
            labels={containers.STORE_PATH_LABEL: str(description)},
            environment=dict(options.image.environment),
        )
    ledger.add("create", phase.seconds)
    with progress.phase("container start") as phase:
        containers.start_container(created)
    ledger.add("container start", phase.seconds)
    service = Service(f"http://127.0.0.1:{port}")
    deadline = time.monotonic() + options.timeout_s
    with progress.phase("process: until /livez answers") as phase:
        wait_until_live(created, service, deadline)
    ledger.add("process: until /livez answers", phase.seconds)
    with progress.phase("models: until /readyz answers") as phase:
        wait_until_ready(service, deadline, container=created, say=phase.say, note=progress.note)
    ledger.add("models: until /readyz answers", phase.seconds)
    ledger.phases.extend(inner_phases(own_start(service.health())))
    return service


def _port(options: UpOptions, progress: Progress) -> int:
    if options.port is None:
        port = free_port_from(DEFAULT_PORT)
        if port != DEFAULT_PORT:
            progress.note(f"port {DEFAULT_PORT} is taken; using {port}")
        return port
    if not is_free(options.port):
        free = free_port_from(options.port)
        raise HarnessError(f"port {options.port} of 127.0.0.1 is taken; {free} is free: --port {free}")
    return options.port


def _report(progress: Progress, options: UpOptions, service: Service, ledger: Ledger) -> None:
    """Ask each service once, as its curl line does, and say what there is to know."""
    lines = [f"{options.image.reference} is ready at {service.url}"]
    for name, promised in options.promised.items():
        with progress.phase(f"first answer: {name}") as phase:
            _ask(service.url, promised.request)
        ledger.add(f"first answer: {name}", phase.seconds)
        lines += [f"{name} answered this, as slo.toml has it:", f"  {curl_line(service.url, promised.request)}"]
    progress.console.print()
    progress.console.print(ledger.table())
    progress.console.print()
    for line in lines:
        # A line to copy must not be broken by the terminal's width.
        progress.console.print(Text(line), soft_wrap=True)


def _ask(url: str, request: Request) -> None:
    answer = ask(url, request, timeout_s=_ANSWER_TIMEOUT_S)
    if answer.outcome != "right":
        raise ServiceFailed(f"{request.verb} {request.path} was not answered rightly: {answer.reason}")
