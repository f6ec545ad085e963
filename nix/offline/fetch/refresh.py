"""Rewrites pins/debs.json from what this machine's apt knows of the pinned suite."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from . import archive, debian, download, store
from .errors import FetchError


def pinned_packages(names: list[str], suite: str, component: str, architecture: str) -> dict[str, dict[str, Any]]:
    """Return version, pool path, sha256 and size of each named package, as apt's index of the suite has them.

    Raises:
        FetchError: a package is not in the suite, or is there twice.
    """
    found: dict[str, dict[str, Any]] = {}
    for stanza in debian.index_of(suite, component, architecture):
        name = stanza["package"]
        if name not in names:
            continue
        if name in found:
            raise FetchError(
                f"{suite}/{component} holds {name} twice: {found[name]['version']} and {stanza['version']}"
            )
        found[name] = {
            "version": stanza["version"],
            "path": stanza["filename"],
            "sha256": stanza["sha256"],
            "size": int(stanza["size"]),
        }
    missing = sorted(set(names) - set(found))
    if missing:
        raise FetchError(f"{suite}/{component} for {architecture} does not hold {', '.join(missing)}")
    return dict(sorted(found.items()))


def refresh(file: Path, added: list[str]) -> list[str]:
    """Bring every package of `file`, and those in `added`, to the suite's present version.

    Returns:
        One line for each package that changed.
    """
    pins: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    old = pins["packages"]
    names = sorted({*old, *added})
    pins["packages"] = pinned_packages(names, pins["suite"], pins["component"], pins["architecture"])

    boot = pins["bootstrap"]
    package = pins["packages"][boot["package"]]
    with tempfile.TemporaryDirectory(prefix="coldstart-refresh-") as folder:
        deb = Path(folder) / Path(package["path"]).name
        download.deb(os.environ, package["path"], package["sha256"], pins["suite"], pins["component"], deb)
        content = archive.file_in_deb(deb, boot["member"])
    boot["nar_sha256"] = hashlib.sha256(store.nar_of_program("bin", boot["name"], content)).hexdigest()

    file.write_text(json.dumps(pins, indent=2) + "\n", encoding="utf-8")
    return [
        f"{name}: {old[name]['version'] if name in old else 'new'} → {pin['version']}"
        for name, pin in pins["packages"].items()
        if old.get(name) != pin
    ]
