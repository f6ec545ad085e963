"""What runs inside Nix: a layer derivation and an image derivation, each out of a request that Nix wrote as JSON."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from . import tar, tree
from .errors import LayersError
from .model import Image, Layer, Rule, StorePath, read_layers

# Source: OCI image specification 1.1, "Image Configuration"; Healthcheck is Docker's addition to it.
CONFIG_NAMES = frozenset(
    {"User", "ExposedPorts", "Env", "Entrypoint", "Cmd", "Volumes", "WorkingDir", "Labels", "StopSignal"}
    | {"ArgsEscaped", "Healthcheck"}
)
HISTORY_NAMES = frozenset({"author", "comment", "created", "created_by"})
PERMISSION_NAMES = frozenset({"path", "regex", "mode", "uid", "gid", "uname", "gname"})
ARCHITECTURES = frozenset({"amd64", "arm64"})
# What fits into the seven octal digits of a tar header.
LARGEST_ID = 8**7 - 1


def write_layer(request: Mapping[str, Any], graphs: Path, output: Path) -> None:
    """Write `output/layers.json`: one layer, or none where nothing is left to hold.

    Args:
        request: `graphs` (names of files in the directory `graphs`, as Nix's exportReferencesGraph writes them),
            `copyToRoot`, `layers` (directories of earlier layers), `ignore` (a store path or null), `perms`,
            `metadata`.
        graphs: the directory that holds the graph files.
        output: a directory, made here.

    Raises:
        LayersError: the request or the store paths are not usable.
    """
    _refuse_unknown("metadata", request["metadata"], HISTORY_NAMES)
    closure = sorted({path for name in request["graphs"] for path in _closure((graphs / name).read_text())})
    rules = _rules_of(request["perms"])
    to_root = frozenset(request["copyToRoot"])
    held = {path for layer in read_layers(_layer_files(request["layers"])) for path in layer.paths}
    candidates = [StorePath(path, path in to_root, rules.get(path, ())) for path in closure]
    paths = [path for path in candidates if path.path != request["ignore"] and path not in held]
    layers = [layer_of(paths, request["metadata"])] if paths else []
    output.mkdir()
    _write_json(output / "layers.json", [layer.to_json() for layer in layers])


def layer_of(paths: Sequence[StorePath], history: Mapping[str, object]) -> Layer:
    """Read all of `paths` once, and keep the digest and size of their tar.

    Raises:
        LayersError: the paths cannot be read or disagree.
    """
    diff_id, size = tar.digest(tree.entries_of(paths))
    return Layer(diff_id, size, tuple(paths), history)


def write_image(request: Mapping[str, Any], output: Path) -> None:
    """Write an image's JSON to the file `output`; a layer that is there already is not taken twice.

    Args:
        request: `config` (OCI), `arch`, `created` (RFC 3339), `layers` (directories of layers, lowest first).
        output: a file, made here.

    Raises:
        LayersError: the request is not usable.
    """
    _refuse_unknown("config", request["config"], CONFIG_NAMES)
    if request["arch"] not in ARCHITECTURES:
        raise LayersError(f"arch is {request['arch']!r}; wanted one of {', '.join(sorted(ARCHITECTURES))}.")
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", request["created"]):
        raise LayersError(f"created is {request['created']!r}; wanted a time such as 2025-01-31T12:00:00Z.")
    layers: dict[str, Layer] = {}
    for layer in read_layers(_layer_files(request["layers"])):
        layers.setdefault(layer.diff_id, layer)
    image = Image(request["config"], request["arch"], request["created"], tuple(layers.values()))
    _write_json(output, image.to_json())


def _layer_files(directories: Iterable[str]) -> list[Path]:
    return [Path(directory, "layers.json") for directory in directories]


def _closure(graph: str) -> list[str]:
    """Store paths of a graph file: for each its path, its deriver, the number of its references, the references."""
    lines, paths, position = graph.splitlines(), [], 0
    while position < len(lines):
        paths.append(lines[position])
        position += 3 + int(lines[position + 2])
    return paths


def _rules_of(perms: Iterable[Mapping[str, Any]]) -> dict[str, tuple[Rule, ...]]:
    """Rules by store path, in the order that they were given in."""
    rules: dict[str, tuple[Rule, ...]] = {}
    for perm in perms:
        _refuse_unknown("perms", perm, PERMISSION_NAMES)
        for name in sorted({"path", "regex"} - perm.keys()):
            raise LayersError(f"perms holds {dict(perm)}, without {name}; wanted at least path and regex.")
        rule = Rule(**{name: value for name, value in perm.items() if name != "path"})
        _check(rule)
        rules[perm["path"]] = (*rules.get(perm["path"], ()), rule)
    return rules


def _check(rule: Rule) -> None:
    if rule.mode and not re.fullmatch("[0-7]{3,4}", rule.mode):
        raise LayersError(f"perms has the mode {rule.mode!r}; wanted three or four octal digits in quotes.")
    try:
        re.compile(rule.regex)
    except re.error as error:
        raise LayersError(f"perms has the regex {rule.regex!r} ({error}); wanted a regular expression.") from error
    for name, value in (("uid", rule.uid), ("gid", rule.gid)):
        if not isinstance(value, int) or not 0 <= value <= LARGEST_ID:
            raise LayersError(f"perms has the {name} {value!r}; wanted a number from 0 to {LARGEST_ID}.")


def _refuse_unknown(argument: str, value: Mapping[str, Any], known: frozenset[str]) -> None:
    for name in sorted(value.keys() - known):
        raise LayersError(f"{argument} holds {name!r}; wanted names among {', '.join(sorted(known))}.")


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n")
