"""Free ports on the loopback address."""

import socket

from coldstart_harness.errors import HarnessError

LOOPBACK = "127.0.0.1"
_TRIED_ABOVE = 20


def is_free(port: int) -> bool:
    """Whether the port could be bound now; another process may take it a moment later."""
    with socket.socket() as probe:
        # As servers bind: a connection that lingers after its end does not hold the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port_from(port: int) -> int:
    """The first free port at or above `port`.

    Raises:
        HarnessError: none of the twenty above it is free.
    """
    for candidate in range(port, min(port + _TRIED_ABOVE, 65536)):
        if is_free(candidate):
            return candidate
    raise HarnessError(f"no port from {port} to {port + _TRIED_ABOVE - 1} is free; give one with --port")
