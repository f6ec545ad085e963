"""Reading a drain: what was lost, what was refused badly, and whether readiness told before. Pure."""

from http import HTTPStatus

from coldstart_harness.proofs.drain.round import Drain
from coldstart_harness.traffic.client import Exchange


def lost_in(drain: Drain) -> list[Exchange]:
    """Requests that were accepted and not answered rightly and whole.

    Of those sent before the signal every one that is wrong, late or lost; of those sent after it the ones whose answer
    had begun. A 503 in full and a refused connection are no losses: the caller knows, and can turn elsewhere.
    """
    return [
        request
        for request in drain.requests
        if (_is_old(drain, request) and request.outcome in ("wrong", "late", "lost"))
        or (request.outcome == "lost" and request.first_byte_s is not None)
    ]


def cut_off(drain: Drain) -> list[Exchange]:
    """Connections made after the signal that got no byte: they were in the socket's queue when the process ended.

    No server can avoid these; to the caller they are as good as refused.
    """
    return [
        request
        for request in drain.requests
        if not _is_old(drain, request) and request.outcome == "lost" and request.first_byte_s is None
    ]


def unclean_in(drain: Drain) -> list[Exchange]:
    """Requests sent after the signal that got neither a right answer nor a 503, or waited in vain."""
    return [
        request
        for request in drain.requests
        if not _is_old(drain, request)
        and (
            request.outcome in ("wrong", "late")
            or (request.outcome == "turned away" and request.status != HTTPStatus.SERVICE_UNAVAILABLE)
        )
    ]


def ready_again(drain: Drain) -> list[Exchange]:
    """Probes that said 200 although readiness had been off, or somebody had been turned away, before they were sent.

    Only what was over before the probe was sent counts, so that no probe is blamed for being under way meanwhile.
    """
    offs = [probe.done_s for probe in drain.probes if probe.outcome != "right" and probe.done_s > drain.signalled_s]
    refusals = [r.done_s for r in drain.requests if r.outcome in ("turned away", "refused")]
    refusals += [r.done_s for r in cut_off(drain)]
    since = min([*offs, *refusals], default=float("inf"))
    return [probe for probe in drain.probes if probe.outcome == "right" and probe.sent_s > since]


def readiness_off_s(drain: Drain) -> float | None:
    """Seconds from the signal to the end of the first probe that said something else than 200; None: none did."""
    offs = [probe.done_s for probe in drain.probes if probe.outcome != "right" and probe.done_s > drain.signalled_s]
    return min(offs) - drain.signalled_s if offs else None


def _is_old(drain: Drain, request: Exchange) -> bool:
    return request.sent_s < drain.signalled_s
