"""A small image with one store path of each kind, and what Nix would tell of it."""

import json
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.unit.harness_image_doubles import directory, docker_save, put, tar_of

from coldstart_harness.archive.image import ImageAtRest, opened_image
from coldstart_harness.papers.sources import Papers, read_papers

LIBRARY = "/nix/store/a-openssl-3.0.20"
WHEEL = "/nix/store/b-python3.11-idna-3.20"
MODEL = "/nix/store/c-model-starter-converted"
ROOT = "/nix/store/d-image-root"
CODE = "/nix/store/e-coldstart-server"
STRANGER = "/nix/store/f-zstd-1.5.6-lib"
REFERENCES = {LIBRARY: [], WHEEL: [LIBRARY], MODEL: [], ROOT: [], CODE: [WHEEL, MODEL, STRANGER], STRANGER: []}

COPYRIGHT = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
License: Apache-2.0

Files: debian/*
License: LGPL-2.1+ or Expat
"""
SHA256 = "f0" * 32


def safetensors(**bytes_of_type: int) -> bytes:
    """A file of weights without weights: a tensor of so many bytes for each type."""
    tensors, begin = {}, 0
    for kind, size in bytes_of_type.items():
        tensors[kind] = {"dtype": kind, "shape": [], "data_offsets": [begin, begin + size]}
        begin += size
    header = json.dumps({"__metadata__": {}, **tensors}).encode()
    return struct.pack("<Q", len(header)) + header


FILES = {
    f"{LIBRARY}/share/doc/libssl3/copyright": COPYRIGHT.encode(),
    f"{WHEEL}/lib/python3.11/site-packages/idna-3.20.dist-info/METADATA": b"Name: idna\nLicense-Expression: MIT\n\n",
    f"{MODEL}/model.safetensors": safetensors(F16=8, F32=4),
    f"{CODE}/coldstart/__init__.py": b"",
    f"{STRANGER}/lib/libzstd.so": b"\x7fELF",
    "/etc/passwd": b"root",
}


def known(at_root: Path) -> dict[str, object]:
    """What Nix knows, where the root lies in `at_root`."""
    return {
        LIBRARY: [
            {
                "kind": "debian",
                "name": "libssl3",
                "version": "1:3.0.20-1+b2",
                "path": "pool/main/o/openssl/libssl3_3.0.20-1+b2_amd64.deb",
                "sha256": SHA256,
            }
        ],
        WHEEL: [{"kind": "python", "name": "idna", "version": "3.20", "file": "idna.whl", "sha256": SHA256}],
        MODEL: [
            {
                "kind": "model",
                "name": "gpt2",
                "version": "607A",
                "engine": "transformers",
                "repository": "openai-community/gpt2",
                "license": "MIT",
                "architecture": "gpt2",
                "task": "next-token",
                "origin": "hub",
                "origin_name": "openai-community/gpt2",
                "parts": [],
                "files": {"model.safetensors": {"sha256": SHA256, "size": 12, "known": "agreed 3"}},
            }
        ],
        str(at_root): [{"kind": "own", "name": "root", "version": "0.1.0"}],
        CODE: [{"kind": "own", "name": "server", "version": "0.1.0"}],
        "/nix/store/z-elsewhere": [{"kind": "nixpkgs", "name": "elsewhere", "version": "1", "license": "MIT"}],
    }


def papers_in(where: Path) -> Papers:
    """What Nix would tell; the root is a directory of the test, as there is nothing of it in the store."""
    root = where / "d-image-root"
    (root / "etc").mkdir(parents=True, exist_ok=True)
    (root / "etc" / "passwd").write_bytes(b"root")
    references = {str(root) if path == ROOT else path: below for path, below in REFERENCES.items()}
    blocks = (
        f"{path}\n\n{len(below) + 1}\n" + "".join(f"{p}\n" for p in [path, *below])
        for path, below in references.items()
    )
    (where / "closure").write_text("".join(blocks))
    document = {"schema_version": 1, "at_root": [str(root)], "known": known(root)}
    (where / "known.json").write_text(json.dumps(document))
    return read_papers(where)


@contextmanager
def image_in(where: Path, files: dict[str, bytes] | None = None) -> Iterator[ImageAtRest]:
    """An image of two layers with these files."""
    items = [put(path, content) for path, content in (FILES if files is None else files).items()]
    archive = where / "image.tar"
    archive.write_bytes(docker_save([tar_of(directory("/etc"), *items[:3]), tar_of(*items[3:])]))
    with opened_image(archive, where) as image:
        yield image
