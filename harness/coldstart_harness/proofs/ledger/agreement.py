"""What a service says of its own start beside what was seen of it. Pure."""

from collections.abc import Sequence

from coldstart_harness.figures import spread_of
from coldstart_harness.proofs.ledger.start import Watched

# The kernel tells when a process began in ticks of 10 ms, and the answer that says `ready` is on its way for some
# milliseconds, for tens of them on a busy machine.
_LEAST_TOLERANCE_S = 0.05
# Times in /health are rounded to 0.1 ms; a begin and three phases may be off by half of that each.
_ROUNDING_S = 0.0005


def seen_s(watched: Watched) -> float:
    """Seconds from the process's start to the first 200 of readiness."""
    return watched.ready.end - watched.process


def disagreement_s(watched: Watched) -> float:
    """How far the service's own time to ready is from what can be: negative where it tells of too short a start.

    It can become ready from the moment that readiness first says so up to the first right answer: when it says so too
    early, that is another proof's finding. Where only the engine tells when the process began, it began somewhere
    between the call that started it and then.

    Raises:
        ValueError: the service does not say when it was ready.
    """
    own = watched.own.ready_s
    if own is None:
        raise ValueError("the service does not say when it was ready")
    began_first = watched.process if watched.process_exact else watched.start.start
    shortest = watched.ready.end - watched.process
    longest = watched.answer.end - began_first
    return own - min(max(own, shortest), longest)


def tolerance_s(runs: Sequence[Watched], ratio: float) -> float:
    """How far apart the two may be: `ratio` of what was seen, and never less than 50 ms.

    Args:
        runs: at least one.
        ratio: by which phases may differ from the wall time.
    """
    return max(_LEAST_TOLERANCE_S, ratio * spread_of([seen_s(watched) for watched in runs]).median)


def late_models(watched: Watched) -> list[str]:
    """A sentence for each required model that was ready only after the service was, by the service's own account."""
    ready = watched.own.ready_s
    if ready is None:
        return []
    return [
        f"{model.name} began {model.began_s:.4f} s after the process and was ready at {model.ended_s:.4f} s, "
        f"the service at {ready:.4f} s"
        for model in watched.own.models
        if model.required and model.ended_s is not None and model.ended_s > ready + _ROUNDING_S
    ]
