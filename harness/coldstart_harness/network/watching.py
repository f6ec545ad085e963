"""A network for one container, and a record of whom that container calls: packets seen, nothing believed."""

import secrets
import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from docker.errors import APIError

from coldstart_harness.engine import Engine
from coldstart_harness.errors import NotVisible
from coldstart_harness.network.packets import Call, call_in

# <linux/if_ether.h> and <linux/if_packet.h>.
_EVERY_PROTOCOL = 0x0003
_SOL_PACKET = 263
_PACKET_STATISTICS = 6
_FRAME_BYTES = 512
# <asm-generic/socket.h>: beyond what is allowed to everybody, for root.
_SO_RCVBUFFORCE = 33
_BUFFER_BYTES = 4 << 20
_LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class WatchedNetwork:
    """A network of the engine.

    Args:
        name: for the engine.
        interface: its bridge on this machine.
        gateway: the bridge's address, by which this machine reaches containers and they reach the world.
    """

    name: str
    interface: str
    gateway: str


@contextmanager
def watched_network(engine: Engine, labels: Mapping[str, str]) -> Iterator[WatchedNetwork]:
    """A bridge network of its own, removed afterwards; containers on it must be gone by then.

    Args:
        engine: whose.
        labels: by which it is found again should nobody be left to remove it.

    Raises:
        NotVisible: the engine makes no such network, or not on this machine.
    """
    name = f"coldstart-{secrets.token_hex(4)}"
    interface = f"cs{secrets.token_hex(4)}"
    options = {"com.docker.network.bridge.name": interface}
    try:
        network = engine.client.networks.create(name, driver="bridge", options=options, labels=dict(labels))
    except APIError as error:
        raise NotVisible(f"the container engine made no network to watch: {error.explanation}") from None
    try:
        network.reload()
        if not Path("/sys/class/net", interface).exists():
            raise NotVisible("the engine's networks are not on this machine, so that nobody can watch them")
        yield WatchedNetwork(name, interface, network.attrs["IPAM"]["Config"][0]["Gateway"])
    finally:
        network.remove()


class Recording:
    """Whom the containers behind a bridge call, while this context lasts.

    What this machine itself sends is left out. A thread reads; the methods may be called from any other.

    Args:
        network: where to listen.

    Raises:
        NotVisible: on entering: this process may not read packets.
    """

    def __init__(self, network: WatchedNetwork) -> None:
        self._network = network
        self._calls: list[Call] = []
        self._frames = 0
        self._missed = 0
        self._over = threading.Event()
        self._reader = threading.Thread(target=self._read, name="recording", daemon=True)

    def __enter__(self) -> Self:
        try:
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        except PermissionError:
            raise NotVisible("reading a network's packets needs root (CAP_NET_RAW)") from None
        with suppress(PermissionError):
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER_BYTES)
        self._socket.settimeout(_LOOK_S)
        self._socket.bind((self._network.interface, _EVERY_PROTOCOL))
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._reader.join()
        self._socket.close()

    @property
    def calls(self) -> list[Call]:
        """Every call up to now, in order; a call that was tried again is there again."""
        return list(self._calls)

    @property
    def frames(self) -> int:
        """How many frames the containers have sent up to now, answers among them."""
        return self._frames

    @property
    def missed(self) -> int:
        """How many frames the kernel could not keep for the reader up to now."""
        statistics = self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8)
        # The kernel counts anew after each look.
        self._missed += struct.unpack("II", statistics)[1]
        return self._missed

    def _read(self) -> None:
        while True:
            try:
                frame, sender = self._socket.recvfrom(_FRAME_BYTES)
            except TimeoutError:
                # Only an empty socket ends the record, so that what was sent before the end is in it.
                if self._over.is_set():
                    return
                continue
            if sender[2] == socket.PACKET_OUTGOING:
                continue
            self._frames += 1
            call = call_in(frame, self._network.gateway)
            if call is not None:
                self._calls.append(call)
