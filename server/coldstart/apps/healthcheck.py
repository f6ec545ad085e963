"""The image's health check: ready, as the container engine asks. Standard library only, for it starts every time."""

import http.client
import os
import sys

from coldstart.apps.ports import port_of
from coldstart.apps.pulse import LATE_AFTER_S, last_beat_s

_TIMEOUT_S = 3.0


def main(port: int) -> int:
    """0 when `/readyz` of this container answers 200; otherwise 1, with the reason on stderr."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        body = response.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        sys.stderr.write(f"/readyz does not answer on port {port}: {error}\n")
        return 1
    finally:
        connection.close()
    if response.status != 200:
        sys.stderr.write(f"/readyz answered {response.status}: {body}\n")
        return 1
    return 0


def check_worker() -> int:
    """0 when the worker of this container, which has no port, was at work just now; otherwise 1, with the reason."""
    age_s = last_beat_s()
    if age_s is None or age_s > LATE_AFTER_S:
        heard = "not yet" if age_s is None else f"{age_s:.0f} s ago"
        sys.stderr.write(f"the worker was last heard of {heard}; wanted: {LATE_AFTER_S:.0f} s ago at most\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(check_worker() if os.environ.get("SERVICE_MODE") == "interview-worker" else main(port_of()))
