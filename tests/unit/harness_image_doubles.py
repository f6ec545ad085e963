"""Saved images as engines write them, small and made by hand."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from typing import Any


def put(path: str, content: bytes = b"", *, mode: int = 0o644) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(path.lstrip("/"))
    member.size, member.mode = len(content), mode
    return member, content


def directory(path: str) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(path.lstrip("/"))
    member.type, member.mode = tarfile.DIRTYPE, 0o755
    return member, b""


def link(path: str, target: str, *, hard: bool = False) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(path.lstrip("/"))
    member.type, member.linkname = tarfile.LNKTYPE if hard else tarfile.SYMTYPE, target
    return member, b""


def tar_of(*items: tuple[tarfile.TarInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for member, content in items:
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def config_of(layers: Sequence[bytes], notes: Sequence[str] = (), **config: Any) -> bytes:
    """An image config; `config` is its `config` table."""
    return json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{_sha256(layer)}" for layer in layers]},
            "history": [{"created_by": "ENV a=b", "empty_layer": True}, *({"created_by": note} for note in notes)],
        }
    ).encode()


def docker_save(layers: Sequence[bytes], notes: Sequence[str] = (), **config: Any) -> bytes:
    """As Docker 20.10 saves: a directory a layer; a layer that comes again is a link to where it was first."""
    document = config_of(layers, notes, **config)
    items, names, first = [put("config.json", document)], [], dict[bytes, str]()
    for number, layer in enumerate(layers):
        names.append(f"{number}/layer.tar")
        items.append(link(names[-1], f"../{first[layer]}") if layer in first else put(names[-1], layer))
        first.setdefault(layer, names[-1])
    manifest = json.dumps([{"Config": "config.json", "RepoTags": None, "Layers": names}]).encode()
    return tar_of(*items, put("manifest.json", manifest))


def oci_layout(layers: Sequence[bytes], stored: Sequence[bytes] | None = None, **config: Any) -> bytes:
    """As newer engines save: blobs by digest, layers as `stored` (by default gzip).

    The index, inside another one, names an attestation, and an image for another machine that was not saved.
    """
    blobs: dict[str, bytes] = {}

    def described(content: bytes, **more: Any) -> dict[str, Any]:
        blobs[f"blobs/sha256/{_sha256(content)}"] = content
        return {"digest": f"sha256:{_sha256(content)}", "size": len(content), **more}

    packed = [described(content) for content in stored or [gzip.compress(layer) for layer in layers]]
    manifest = json.dumps({"config": described(config_of(layers, **config)), "layers": packed}).encode()
    unknown: Mapping[str, Any] = {"platform": {"architecture": "unknown", "os": "unknown"}}
    elsewhere = {"digest": f"sha256:{_sha256(b'not saved')}", "platform": {"architecture": "arm64", "os": "linux"}}
    inner = {"manifests": [elsewhere, described(manifest), described(b"{}", **unknown)]}
    index = {"manifests": [described(json.dumps(inner).encode())]}
    return tar_of(put("index.json", json.dumps(index).encode()), *(put(name, blobs[name]) for name in blobs))


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
