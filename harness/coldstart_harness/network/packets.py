"""What a frame on the wire says of its sender's intent: whom it calls. Pure.

Sources: RFC 791 (IPv4), RFC 8200 (IPv6), RFC 9293 (TCP), RFC 768 (UDP), RFC 1035 (DNS), RFC 826 (ARP), RFC 792 (ICMP),
RFC 4443 (ICMPv6).
"""

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

_ETHERNET_BYTES = 14
_ARP, _IPV4, _IPV6, _VLAN = 0x0806, 0x0800, 0x86DD, 0x8100
_ICMP, _IGMP, _TCP, _UDP, _ICMPV6 = 1, 2, 6, 17, 58
# Hop-by-hop options, routing, fragment, destination options.
_IPV6_FRAGMENT = 44
_IPV6_EXTENSIONS = (0, 43, _IPV6_FRAGMENT, 60)
_FRAGMENT_OFFSET = 0x1FFF
_SYN, _ACK = 0x02, 0x10
_ARP_REQUEST = 1
# Messages that ask somebody something: echo, timestamp and address mask; echo and node information. The others answer,
# report errors, or are the kernel's own talk with its neighbours and routers.
_ICMP_REQUESTS = (8, 13, 17)
_ICMPV6_REQUESTS = (128, 139)
# DNS, and the two of its kin that ask everybody nearby: multicast DNS and LLMNR.
_DNS_PORTS = {53: "DNS", 5353: "mDNS", 5355: "LLMNR"}
_DNS_HEADER_BYTES = 12


@dataclass(frozen=True, slots=True)
class Call:
    """Somebody was called.

    Args:
        protocol: `TCP`, `UDP`, `DNS` (its lookups over UDP), `ICMP`, `ARP`, or the number of another.
        address: of whom.
        port: of whom; None where the protocol has none.
        name: the name that was looked up; empty where it was no lookup.
    """

    protocol: str
    address: str
    port: int | None = None
    name: str = ""

    def __str__(self) -> str:
        address = f"[{self.address}]" if ":" in self.address else self.address
        place = address if self.port is None else f"{address}:{self.port}"
        return f"{self.protocol} lookup of {self.name} at {place}" if self.name else f"{self.protocol} to {place}"


def call_in(frame: bytes, gateway: str) -> Call | None:
    """Whom the sender of a frame calls; None: it answers, goes on with a call, or is a kernel's own housekeeping.

    Every TCP connection begins with a segment that has SYN and not ACK, so only that one is a call, and answers on
    connections that others opened never are. A datagram is always one: what is watched serves TCP only.

    Args:
        frame: an Ethernet frame as it left, or its first 512 bytes.
        gateway: address of the sender's gateway, whose hardware address it may look for; looking for another
            neighbour's is the first step of calling it.
    """
    try:
        (kind,) = struct.unpack_from("!H", frame, 12)
        content = frame[_ETHERNET_BYTES:]
        if kind == _VLAN:
            (kind,) = struct.unpack_from("!H", content, 2)
            content = content[4:]
        if kind == _ARP:
            return _call_in_arp(content, gateway)
        if kind == _IPV4:
            return _call_in_ipv4(content)
        return _call_in_ipv6(content) if kind == _IPV6 else None
    except (struct.error, IndexError):
        return None


def _call_in_arp(packet: bytes, gateway: str) -> Call | None:
    operation, sender, target = struct.unpack_from("!6xH6x4s6x4s", packet)
    wanted = str(IPv4Address(target))
    # A sender that asks for its own address, or has none yet, makes sure that nobody else has it.
    if operation != _ARP_REQUEST or sender in (target, bytes(4)) or wanted == gateway:
        return None
    return Call("ARP", wanted)


def _call_in_ipv4(packet: bytes) -> Call | None:
    fragment, protocol, destination = struct.unpack_from("!6xHxB6x4s", packet)
    if fragment & _FRAGMENT_OFFSET:
        return None
    return _call_in_segment(protocol, str(IPv4Address(destination)), packet[(packet[0] & 0x0F) * 4 :])


def _call_in_ipv6(packet: bytes) -> Call | None:
    protocol, destination = struct.unpack_from("!6xBx16x16s", packet)
    content = packet[40:]
    while protocol in _IPV6_EXTENSIONS:
        if protocol == _IPV6_FRAGMENT and struct.unpack_from("!H", content, 2)[0] >> 3:
            return None
        size = 8 if protocol == _IPV6_FRAGMENT else (content[1] + 1) * 8
        protocol, content = content[0], content[size:]
    return _call_in_segment(protocol, str(IPv6Address(destination)), content)


def _call_in_segment(protocol: int, address: str, segment: bytes) -> Call | None:
    if protocol == _TCP:
        port, flags = struct.unpack_from("!2xH9xB", segment)
        return Call("TCP", address, port) if flags & _SYN and not flags & _ACK else None
    if protocol == _UDP:
        (port,) = struct.unpack_from("!2xH", segment)
        return Call(_DNS_PORTS.get(port, "UDP"), address, port, _looked_up(segment[8:]) if port in _DNS_PORTS else "")
    if protocol in (_ICMP, _ICMPV6):
        asks = segment[0] in (_ICMP_REQUESTS if protocol == _ICMP else _ICMPV6_REQUESTS)
        return Call("ICMP", address) if asks else None
    return None if protocol == _IGMP else Call(f"IP protocol {protocol}", address)


def _looked_up(message: bytes) -> str:
    """The first name that a DNS message asks for; `?` where it cannot be read."""
    labels: list[str] = []
    place = _DNS_HEADER_BYTES
    while place < len(message) and (size := message[place]):
        labels.append(message[place + 1 : place + 1 + size].decode("ascii", errors="backslashreplace"))
        place += 1 + size
    return ".".join(labels) or "?"


def lookup_of(name: str) -> bytes:
    """A DNS message that asks for the IPv4 address of a name.

    Args:
        name: ASCII labels of at most 63 characters, joined by dots.
    """
    labels = b"".join(bytes([len(label)]) + label.encode("ascii") for label in name.split("."))
    identity, recursion_desired, one_question, internet_address = 0x1DEA, 0x0100, (1, 0, 0, 0), (1, 1)
    header = struct.pack("!6H", identity, recursion_desired, *one_question)
    return header + labels + b"\0" + struct.pack("!2H", *internet_address)
