"""From what was seen of a start to phases that ought to add up. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from coldstart_harness.phases import Phase, critical_path, inner_phases, total_s
from coldstart_harness.proofs.ledger.start import Stretch, Watched


@dataclass(frozen=True, slots=True)
class Account:
    """The phases of one start beside its wall time.

    Args:
        wall_s: by one reading before everything and one after.
        phases: each measured by events of its own; `began_s` counts from the wall's beginning.
    """

    wall_s: float
    phases: tuple[Phase, ...]

    @property
    def sum_s(self) -> float:
        return total_s(self.phases)

    @property
    def gap_ratio(self) -> float:
        """How far the sum is from the wall time, as a part of it."""
        return abs(self.sum_s - self.wall_s) / self.wall_s


def tells(watched: Watched) -> bool:
    """Whether the service's own phases can stand for the stretch between its process's start and its readiness."""
    return watched.process_exact and watched.own.ready_s is not None


def account_of(watched: Watched) -> Account:
    """The phases in the order in which they began.

    Where the service tells of its own start, its phases stand for all from the process's start until it was ready, so
    that the sum is right only if what it tells is. What was seen from outside is then shown inside of them.
    """
    phases = [*_engine(watched), *(_told(watched) if tells(watched) else _seen(watched)), *_answers(watched)]
    return Account(watched.wall.seconds, tuple(sorted(phases, key=lambda phase: phase.began_s or 0.0)))


def _engine(watched: Watched) -> Iterator[Phase]:
    if watched.load is not None:
        yield _phase(watched, "image load", watched.load)
    yield _phase(watched, "create", watched.create)
    yield _phase(watched, "start to process", Stretch(watched.start.start, watched.process))
    if watched.process_exact and watched.running is not None:
        waiting = _phase(watched, "process to running", Stretch(watched.process, watched.running))
        yield replace(waiting, inside=True)


def _seen(watched: Watched) -> Iterator[Phase]:
    yield _phase(watched, "process to port", Stretch(watched.process, watched.port_open))
    yield _phase(watched, "port to live", watched.live)
    yield _phase(watched, "live to ready", watched.ready)
    if watched.tried < watched.answer.start:
        yield _phase(watched, "ready to right", Stretch(watched.tried, watched.answer.start))


def _told(watched: Watched) -> Iterator[Phase]:
    begun = watched.process - watched.wall.start
    path = critical_path(watched.own)
    beside = [phase for phase in inner_phases(watched.own) if phase.name not in {part.name for part in path}]
    for phase in [*path, *beside]:
        yield replace(phase, began_s=None if phase.began_s is None else begun + phase.began_s)
    for phase in _seen(watched):
        yield replace(phase, inside=True)
    yield from _after_ready(watched, watched.process + (watched.own.ready_s or 0.0))


def _after_ready(watched: Watched, ready: float) -> Iterator[Phase]:
    """How long it took to be seen that the service was ready: answers were on their way, the next question was due.

    It may have said so too early too, and answered wrongly until then. No time is taken in before the last question
    that was answered otherwise: whoever tells of a shorter start leaves a gap, and whoever tells of a longer one a sum
    that is too large.
    """
    for name, seen in (
        ("ready to live seen", Stretch(watched.live_asked, watched.live.end)),
        ("ready seen", Stretch(watched.ready_asked, watched.ready.end)),
        ("ready to right", Stretch(watched.tried, watched.answer.start)),
    ):
        left = Stretch(max(ready, seen.start), seen.end)
        if left.seconds > 0:
            yield _phase(watched, name, left)


def _answers(watched: Watched) -> Iterator[Phase]:
    token, answer = watched.token, watched.answer
    if token is not None and token.start == answer.start:
        yield _phase(watched, "first token", token)
        yield _phase(watched, "rest of the first answer", Stretch(token.end, answer.end))
        return
    yield _phase(watched, "first answer", answer)
    if token is not None:
        yield _phase(watched, "first token", token)


def _phase(watched: Watched, name: str, stretch: Stretch) -> Phase:
    return Phase(name, stretch.seconds, began_s=stretch.start - watched.wall.start)
