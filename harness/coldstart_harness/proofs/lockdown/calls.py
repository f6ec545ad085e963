"""Whom a container calls, on a network of its own where every packet that it sends is read."""

import secrets
import socket
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from docker.models.containers import Container

from coldstart_harness.errors import NotVisible, ServiceFailed
from coldstart_harness.network.entering import in_network_of, process_of
from coldstart_harness.network.packets import Call, lookup_of
from coldstart_harness.network.watching import Recording, watched_network
from coldstart_harness.proofs.proof import Trial
from coldstart_harness.proofs.running import LABEL, Running, held, start, url_or_why

# After the last answer: reports that are sent now and then, or late.
_QUIET_S = 1.0
# As `docker stop` has it.
_STOP_S = 10
_LOOK_S = 0.05
_OWN_LOOKUP_S = 10.0


@dataclass(frozen=True, slots=True)
class Heard:
    """What was recorded of one container, from before its start until after its end.

    Args:
        calls: every call, in order.
        frames: how many frames it sent, answers among them.
        failure: why it did not serve meanwhile; empty where it did.
        blind: why the record may lack something; empty where it does not.
    """

    calls: tuple[Call, ...]
    frames: int
    failure: str
    blind: str

    @property
    def described(self) -> str:
        """Each call once, with how often it was tried."""
        return "\n".join(f"{call}" + (f" ({n} times)" if n > 1 else "") for call, n in Counter(self.calls).items())


def listen(trial: Trial, answers: Callable[[Running], None]) -> Heard:
    """Start a container, have it asked, leave it alone for a second, stop it, and say whom it called meanwhile.

    Its name server is the gateway, where nobody answers: a lookup leaves the container as a packet, whoever makes it.
    Before its stop the harness makes one itself from within, and looks whether the record has it.

    Args:
        trial: the image and its service.
        answers: asks the running service; a ServiceFailed is what it has to say.

    Raises:
        NotVisible: this process may not watch, or the engine is on another machine.
    """
    failure = blind = ""
    own_name = f"{secrets.token_hex(8)}.invalid"
    with watched_network(trial.engine, {LABEL: trial.session}) as network, Recording(network) as recording:
        with held(trial, network=network.name, dns=[network.gateway]) as container:
            try:
                start(container)
                answers(Running(container, url_or_why(trial, container)))
                time.sleep(_QUIET_S)
                blind = _why_blind(container, recording, own_name)
                container.stop(timeout=_STOP_S)
            except ServiceFailed as error:
                failure = "\n".join(part for part in (str(error), error.details) if part)
        if missed := recording.missed:
            blind = f"{missed} packets came faster than they could be read"
        frames = recording.frames
    calls = tuple(call for call in recording.calls if call.name != own_name)
    return Heard(calls, frames, failure, blind)


def _why_blind(container: Container, recording: Recording, name: str) -> str:
    """Why a lookup might not be seen; empty where the harness has seen its own."""
    try:
        settings = process_of(container).joinpath("root/etc/resolv.conf").read_text(encoding="utf-8")
        server = next(
            line.split()[1] for line in settings.splitlines() if line.startswith("nameserver ") and "." in line
        )
        in_network_of(container, lambda: _look_up(name, server))
    except NotVisible as error:
        return str(error)
    except (OSError, StopIteration) as error:
        return f"no lookup could be tried inside the container: {error!r}"
    deadline = time.monotonic() + _OWN_LOOKUP_S
    while all(call.name != name for call in recording.calls):
        if time.monotonic() > deadline:
            return f"a lookup that the harness made inside the container, at {server}, did not appear"
        time.sleep(_LOOK_S)
    return ""


def _look_up(name: str, server: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.sendto(lookup_of(name), (server, 53))
