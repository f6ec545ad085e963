"""The command: settings from the environment, models on their way, then the web server."""

import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from types import FrameType

from coldstart.apps.modes import (
    INTERVIEW,
    INTERVIEW_WORKER,
    MODES,
    Composition,
    compositions_of,
    held_by_image,
    served_models,
    services_of,
)
from coldstart.apps.ports import DEFAULT_PORTS
from coldstart.domain.errors import EXIT_CONFIGURATION, ConfigurationError
from coldstart.domain.manifest import load_manifest
from coldstart.runtime.core import Core
from coldstart.runtime.lifecycle import Lifecycle
from coldstart.runtime.loading import ModelLoading
from coldstart.runtime.logs import configure_logs
from coldstart.runtime.registry import ModelRegistry
from coldstart.runtime.routing import Routing, weights_of
from coldstart.runtime.settings import Settings, describe_settings, load_settings
from coldstart.runtime.timeline import StartupTimeline

_USAGE = """usage: python -m coldstart [--help | --env-file MODE | --migrate]

Serves models over HTTP until SIGTERM. SERVICE_MODE is {modes}.
Everything is chosen by environment variables; --env-file writes those of a mode as a file for `docker run --env-file`,
--migrate brings the tables of DATABASE_URL up to date, as a start does it:
{variables}
"""


def main(arguments: Sequence[str], timeline: StartupTimeline, environ: Mapping[str, str] = os.environ) -> int:
    """Run the server to its end.

    Returns:
        The exit status: 0 after a shutdown that was asked for, 2 when the process cannot start as configured.
    """
    if list(arguments) == ["--migrate"]:
        return _migrate(environ)
    if arguments:
        return _tell(arguments)
    # Until the server takes over: as process 1 of a container, the default would be to ignore it.
    signal.signal(signal.SIGTERM, _exit_at_once)
    try:
        settings = load_settings(environ)
        if settings.service_mode in (INTERVIEW, INTERVIEW_WORKER):
            return _run_without_server(settings, timeline, environ)
        core, services = compose(settings, timeline)
        listener = _listen(settings)
        # Models first: they are read and their libraries imported while this thread imports the web framework.
        core.registry.start()
        from coldstart.apps.serving import build_app, serve

        app = build_app(core, services)
    except ConfigurationError as error:
        sys.stderr.write(f"coldstart: {error}\n")
        return EXIT_CONFIGURATION
    timeline.mark("imports")
    serve(app, core, listener)
    return 0


def _run_without_server(settings: Settings, timeline: StartupTimeline, environ: Mapping[str, str]) -> int:
    """What is no web server: the two processes of an interview's container, or its worker."""
    if settings.service_mode == INTERVIEW:
        with held_by_image():
            from coldstart.apps import interview_container
        interview_container.become_process_one(settings, timeline.process_start_s, environ)
    with held_by_image():
        from coldstart.apps import interview_worker
    return interview_worker.run_worker(settings, timeline)


def _migrate(environ: Mapping[str, str]) -> int:
    """For those who let services read and write the tables, and not change them."""
    try:
        with held_by_image():
            from coldstart.apps import interview_migration
        interview_migration.migrate_database(load_settings(environ))
    except ConfigurationError as error:
        sys.stderr.write(f"coldstart: {error}\n")
        return EXIT_CONFIGURATION
    return 0


def _tell(arguments: Sequence[str]) -> int:
    """Write what is asked for instead of serving."""
    from coldstart.apps.env_files import MODES_WITH_FILES, env_file

    usage = _USAGE.format(modes=" or ".join(MODES), variables=describe_settings())
    match list(arguments):
        case ["--help"]:
            sys.stdout.write(usage)
        case ["--env-file", mode] if mode in MODES_WITH_FILES:
            sys.stdout.write(env_file(mode))
        case _:
            sys.stderr.write(usage)
            return EXIT_CONFIGURATION
    return 0


def compose(settings: Settings, timeline: StartupTimeline) -> tuple[Core, tuple[Composition, ...]]:
    """The process's core and what composes the services that it offers; sets up the logs, starts nothing.

    Raises:
        ConfigurationError: an unknown mode or engine, or a manifest that cannot be read or lacks the models.
    """
    manifest = load_manifest(settings.models_manifest)
    services = compositions_of(services_of(settings, manifest))
    tasks = {task: serving for service in services for task, serving in service.tasks(settings).items()}
    models = served_models(settings, manifest, tasks)
    # Of the whole manifest: one setting holds for every process of an image, whatever of it each serves.
    routing = Routing(models, weights_of(settings.model_weights, manifest.models))
    configure_logs(settings)
    registry = ModelRegistry(models, ModelLoading(tasks, settings.queue_limit), timeline, routing)
    return Core(settings, registry, timeline, Lifecycle()), services


def _listen(settings: Settings) -> socket.socket:
    """A bound socket that already queues connections: early clients wait a moment instead of being refused."""
    port = DEFAULT_PORTS[settings.service_mode] if settings.port is None else settings.port
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server(
            (settings.host, port),
            family=family,
            backlog=2048,
            dualstack_ipv6=settings.host == "::" and socket.has_dualstack_ipv6(),
        )
    except OSError as error:
        # Python adds the address once more, in parentheses.
        reason = (error.strerror or str(error)).partition(" (")[0]
        raise ConfigurationError(f"HOST {settings.host!r} and PORT {port} cannot be listened to: {reason}") from None


def _exit_at_once(signum: int, frame: FrameType | None) -> None:
    os._exit(0)
