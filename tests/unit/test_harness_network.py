"""What the harness makes of packets, and how it asks from within another network."""

import struct
import threading
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest

from coldstart_harness.errors import NotVisible
from coldstart_harness.network.entering import run_in
from coldstart_harness.network.packets import Call, call_in, lookup_of

GATEWAY = "172.18.0.1"
CONTAINER = "172.18.0.2"
# Addresses of nobody (RFC 5737, RFC 3849).
OUTSIDE = "203.0.113.7"
OUTSIDE_6 = "2001:db8::7"
SYN, SYN_ACK, RESET_ACK, DATA = 0x02, 0x12, 0x14, 0x18


def ethernet(kind: int, content: bytes) -> bytes:
    return bytes(12) + struct.pack("!H", kind) + content


def ipv4(protocol: int, content: bytes, *, to: str = OUTSIDE, fragment: int = 0, options: bytes = b"") -> bytes:
    first = 0x40 | (5 + len(options) // 4)
    head = struct.pack("!BBHHHBBH", first, 0, 20 + len(options) + len(content), 0, fragment, 64, protocol, 0)
    return ethernet(0x0800, head + IPv4Address(CONTAINER).packed + IPv4Address(to).packed + options + content)


def ipv6(protocol: int, content: bytes) -> bytes:
    head = struct.pack("!IHBB", 0x60000000, len(content), protocol, 64)
    return ethernet(0x86DD, head + IPv6Address("2001:db8::2").packed + IPv6Address(OUTSIDE_6).packed + content)


def tcp(port: int, flags: int) -> bytes:
    return struct.pack("!HHIIBBHHH", 40000, port, 1, 0, 0x50, flags, 64240, 0, 0)


def udp(port: int, content: bytes = b"") -> bytes:
    return struct.pack("!HHHH", 40000, port, 8 + len(content), 0) + content


def arp(operation: int, sender: str, target: str) -> bytes:
    head = struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation)
    return ethernet(0x0806, head + bytes(6) + IPv4Address(sender).packed + bytes(6) + IPv4Address(target).packed)


CALLS = {
    "a connection that is opened": (ipv4(6, tcp(443, SYN)), Call("TCP", OUTSIDE, 443)),
    "one to the gateway": (ipv4(6, tcp(8125, SYN), to=GATEWAY), Call("TCP", GATEWAY, 8125)),
    "one behind options of IPv4": (ipv4(6, tcp(443, SYN), options=bytes(8)), Call("TCP", OUTSIDE, 443)),
    "one in a VLAN": (
        ethernet(0x8100, b"\0\x05" + ipv4(6, tcp(443, SYN))[12:]),
        Call("TCP", OUTSIDE, 443),
    ),
    "one over IPv6": (ipv6(6, tcp(443, SYN)), Call("TCP", OUTSIDE_6, 443)),
    "one behind an extension header": (ipv6(0, bytes([6, 0, *bytes(6)]) + tcp(443, SYN)), Call("TCP", OUTSIDE_6, 443)),
    "the first fragment of one": (ipv4(6, tcp(443, SYN), fragment=0x2000), Call("TCP", OUTSIDE, 443)),
    "a datagram": (ipv4(17, udp(443)), Call("UDP", OUTSIDE, 443)),
    "a datagram to everybody": (ipv4(17, udp(67), to="255.255.255.255"), Call("UDP", "255.255.255.255", 67)),
    "a lookup": (
        ipv4(17, udp(53, lookup_of("huggingface.co")), to=GATEWAY),
        Call("DNS", GATEWAY, 53, "huggingface.co"),
    ),
    "a lookup that makes no sense": (ipv4(17, udp(53, b"\0" * 3)), Call("DNS", OUTSIDE, 53, "?")),
    "a lookup among neighbours": (
        ipv4(17, udp(5353, lookup_of("printer.local")), to="224.0.0.251"),
        Call("mDNS", "224.0.0.251", 5353, "printer.local"),
    ),
    "a ping": (ipv4(1, b"\x08\0\0\0"), Call("ICMP", OUTSIDE)),
    "a ping over IPv6": (ipv6(58, b"\x80\0\0\0"), Call("ICMP", OUTSIDE_6)),
    "a protocol that is rare": (ipv4(132, bytes(12)), Call("IP protocol 132", OUTSIDE)),
    "the search for a neighbour": (arp(1, CONTAINER, "172.18.0.9"), Call("ARP", "172.18.0.9")),
}

NO_CALLS = {
    "the acceptance of a connection": ipv4(6, tcp(40000, SYN_ACK), to=GATEWAY),
    "the refusal of a connection": ipv4(6, tcp(40000, RESET_ACK), to=GATEWAY),
    "bytes of an answer": ipv4(6, tcp(40000, DATA) + b"HTTP/1.1 200 OK", to=GATEWAY),
    "a later fragment": ipv4(6, tcp(443, SYN), fragment=0x2001),
    "a later fragment over IPv6": ipv6(44, bytes([6, 0, 0, 8, *bytes(4)]) + tcp(443, SYN)),
    "the search for the gateway": arp(1, CONTAINER, GATEWAY),
    "an answer to who it is": arp(2, CONTAINER, "172.18.0.9"),
    "an announcement of itself": arp(1, CONTAINER, CONTAINER),
    "the question whether its address is free": arp(1, "0.0.0.0", CONTAINER),  # noqa: S104
    "the answer to a ping": ipv4(1, b"\0\0\0\0", to=GATEWAY),
    "that a port is closed": ipv4(1, b"\x03\x03\0\0", to=GATEWAY),
    "membership of a group": ipv4(2, bytes(8), to="224.0.0.22"),
    "the search for a router over IPv6": ipv6(58, b"\x85\0\0\0"),
    "membership of a group over IPv6": ipv6(0, bytes([58, 0, *bytes(6)]) + b"\x8f\0\0\0"),
    "another protocol of Ethernet": ethernet(0x88CC, bytes(20)),
}


@pytest.mark.parametrize(("frame", "call"), CALLS.values(), ids=CALLS)
def test_a_call_is_known_with_whom_it_is_for(frame: bytes, call: Call) -> None:
    """Whatever begins a conversation is a call, with its protocol, address, port and the name looked up."""
    assert call_in(frame, GATEWAY) == call


@pytest.mark.parametrize("frame", NO_CALLS.values(), ids=NO_CALLS)
def test_an_answer_is_no_call(frame: bytes) -> None:
    """What goes on with a conversation that others began, and a kernel's own housekeeping, is no call."""
    assert call_in(frame, GATEWAY) is None


@pytest.mark.parametrize("frame", [frame for frame, _ in CALLS.values()], ids=CALLS)
def test_a_frame_that_is_cut_is_no_error(frame: bytes) -> None:
    """However short a frame is, reading it ends with a call or with none."""
    for size in range(len(frame)):
        call_in(frame[:size], GATEWAY)


def test_a_call_is_told_in_words() -> None:
    """A person reads the protocol, the place, and the name that was looked up."""
    calls = (Call("DNS", GATEWAY, 53, "a.example"), Call("TCP", OUTSIDE_6, 443), Call("ARP", OUTSIDE))
    told = [str(call) for call in calls]
    assert told == ["DNS lookup of a.example at 172.18.0.1:53", "TCP to [2001:db8::7]:443", f"ARP to {OUTSIDE}"]


def test_another_network_that_is_gone_is_an_error() -> None:
    """A namespace that is not there any more is told apart from one that may not be entered."""
    with pytest.raises(FileNotFoundError):
        run_in(Path("/proc/0/ns/net"), lambda: None)


def test_work_in_a_network_is_done_in_a_thread_of_its_own() -> None:
    """The result and the errors of the work come back; where this process may not enter, that is said."""
    own = Path("/proc/self/ns/net")

    def fail() -> None:
        raise ValueError("from within")

    try:
        assert run_in(own, threading.get_ident) != threading.get_ident()
    except NotVisible as error:
        assert "needs root" in str(error)  # noqa: PT017 - one of two ends, by who runs the test
    else:
        with pytest.raises(ValueError, match="from within"):
            run_in(own, fail)
