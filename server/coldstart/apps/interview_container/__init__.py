"""The interview in one container: process 1 is supervisord, which runs the API and the worker.

SERVICE_MODE=interview becomes it: nothing of this server stays in the memory of process 1.
"""

import math
import os
import shlex
import signal
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from coldstart.runtime.settings import Settings

_PROCESS_ONE = "coldstart.apps.interview_container.process_one"
# Of the grace: what has begun of a turn is finished first, then the worker finishes its job, or leaves it.
_API_SHARE = 2 / 3
# What a process takes for its end once its grace is over.
_API_LAST_WORDS_S = 3
_WORKER_LAST_WORDS_S = 1
_LOG_LEVELS = {"debug": "info", "warning": "warn"}


def become_process_one(settings: "Settings", start_s: float, environ: Mapping[str, str]) -> NoReturn:
    """Replace this process by the supervisor. A signal to stop that comes meanwhile is heard as soon as it runs.

    Args:
        settings: of this container; both processes get them, as `environ` has them.
        start_s: seconds since boot at which this process began.
        environ: of this process.
    """
    # As process 1 of a container a signal without a handler would be lost; a blocked one waits.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    os.execve(  # noqa: S606  this interpreter
        sys.executable, [sys.executable, "-m", _PROCESS_ONE], {**environ, **supervisor_environ(settings, start_s)}
    )


def supervisor_environ(settings: "Settings", start_s: float) -> dict[str, str]:
    """What supervisord.conf takes from the environment: commands, and SHUTDOWN_GRACE_S shared out to both.

    Args:
        settings: of this container.
        start_s: seconds since boot at which its process 1 began.
    """
    command = shlex.join([sys.executable, "-m", "coldstart"])
    api_grace_s = settings.shutdown_grace_s * _API_SHARE
    worker_grace_s = settings.shutdown_grace_s - api_grace_s
    return {
        "SUPERVISED_API": command,
        "SUPERVISED_API_GRACE_S": f"{api_grace_s:.3f}",
        "SUPERVISED_API_STOP_S": str(math.ceil(api_grace_s + _API_LAST_WORDS_S)),
        "SUPERVISED_SINCE_S": f"{start_s:.2f}",
        "SUPERVISED_WORKER": command,
        "SUPERVISED_WORKER_GRACE_S": f"{worker_grace_s:.3f}",
        "SUPERVISED_WORKER_STOP_S": str(math.ceil(worker_grace_s + _WORKER_LAST_WORDS_S)),
        # At debug it would repeat every line of both.
        "SUPERVISED_LOG_LEVEL": _LOG_LEVELS.get(settings.log_level, settings.log_level),
        "SUPERVISED_LOGS": "json" if settings.json_logs else "text",
    }
