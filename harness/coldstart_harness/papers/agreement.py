"""Whether closure, SBOM and layers name the same store paths."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from coldstart_harness.archive.image import ImageAtRest
from coldstart_harness.papers.document import STORE_PATH
from coldstart_harness.papers.sources import STORE, Papers


def disagreements(papers: Papers, sbom: bytes, image: ImageAtRest) -> list[str]:
    """A sentence on every store path that one of the three lacks, and on every file that no store path accounts for.

    Args:
        papers: for the closure.
        sbom: as it was written.
        image: for its layers.
    """
    in_layers, outside = _paths_in(image)
    strays = [f"{path} is in the layers, and of no store path" for path in sorted(outside - _allowed(papers))]
    for path, expected in papers.at_root.items():
        if expected <= outside:
            in_layers.add(path)
        strays += [f"{missing} of {path} is not in the layers" for missing in sorted(expected - outside)]
    return _differences({"closure": set(papers.closure), "SBOM": paths_in_sbom(sbom), "layers": in_layers}) + strays


def paths_in_sbom(sbom: bytes) -> set[str]:
    """Every store path that a component of a CycloneDX document names."""
    return {
        str(entry["value"])
        for component in _components(json.loads(sbom).get("components", ()))
        for entry in component.get("properties", ())
        if entry["name"] == STORE_PATH
    }


def _components(components: Iterable[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    for component in components:
        yield component
        yield from _components(component.get("components", ()))


def _paths_in(image: ImageAtRest) -> tuple[set[str], set[str]]:
    """Store paths of the layers, and what else they hold."""
    held, outside = set[str](), set[str]()
    for layer in image.layers:
        for path in layer.paths:
            if path.startswith(STORE):
                held.add(STORE + path.removeprefix(STORE).partition("/")[0])
            else:
                outside.add(path)
    return held, outside - {"/", "/nix", STORE.rstrip("/")}


def _allowed(papers: Papers) -> frozenset[str]:
    return frozenset().union(*papers.at_root.values())


def _differences(sets: Mapping[str, set[str]]) -> list[str]:
    sentences = []
    for path in sorted(set().union(*sets.values())):
        having = [name for name, paths in sets.items() if path in paths]
        lacking = [name for name in sets if name not in having]
        if lacking:
            sentences.append(f"{path} is in the {' and the '.join(having)}, and not in the {' or the '.join(lacking)}")
    return sentences
