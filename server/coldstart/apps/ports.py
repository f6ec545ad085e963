"""Where each mode listens unless PORT says otherwise. Standard library only, for the health check reads it too."""

import os
from collections.abc import Mapping

DEFAULT_PORTS: Mapping[str, int] = {
    "wheel": 8000,
    "asr": 5001,
    "tts": 5002,
    "interview": 8000,
    "interview-api": 8000,
    "all": 8000,
}


def port_of(environ: Mapping[str, str] = os.environ) -> int:
    """The port of the process that has this environment.

    Raises:
        KeyError, ValueError: it has none that could have started.
    """
    return int(environ.get("PORT") or DEFAULT_PORTS[environ["SERVICE_MODE"]])
