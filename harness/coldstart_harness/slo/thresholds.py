"""How long an orchestrator lets a service start, recover and stop, from what the service promises. Pure.

nix/lib/healthCheckOf.nix has the same rules for the health check in the image.
"""

import math

from coldstart_harness.slo.document import Promises

# A slower machine is no failure.
_START_FACTOR = 10
_SHORTEST_START_S = 10
# From the end of the service's own grace to the kill.
_STOP_MARGIN_S = 5


def start_allowance_s(promises: Promises, start_timeout_s: float) -> int:
    """Whole seconds from a start until it counts as failed.

    Args:
        promises: of the service.
        start_timeout_s: where nothing is promised of the start.
    """
    if promises.ready_s is None:
        return math.ceil(start_timeout_s)
    return math.ceil(max(_SHORTEST_START_S, _START_FACTOR * promises.ready_s))


def failures_allowed(promises: Promises, period_s: int, *, stopping: bool) -> int:
    """How many failed probes in a row outlast a recovery, and a stop where that is asked too.

    Args:
        promises: of the service.
        period_s: between probes.
        stopping: whether a service that is stopping is to be left alone.
    """
    outlasted = promises.recovery_s + (promises.grace_s if stopping else 0)
    return 1 + math.ceil(outlasted / period_s)


def stop_allowance_s(promises: Promises) -> int:
    """Whole seconds from the stop signal until the container is killed."""
    return math.ceil(promises.grace_s) + _STOP_MARGIN_S
