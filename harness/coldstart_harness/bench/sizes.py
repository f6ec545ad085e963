"""Row `sizes`: what an image weighs, layer by layer, uncompressed as the engine keeps it."""

from collections.abc import Mapping
from typing import Any

from coldstart_harness.bench.report import Measurement, Wanted, measured
from coldstart_harness.bench.rows import ASR, Bench

_COMMENT = "coldstart: "
_WANTED_BYTES = {ASR: 450_000_000}


def measure_sizes(bench: Bench) -> list[Measurement]:
    """Each image with its models and without, and its layers."""
    lines = []
    for attribute in bench.images:
        reference = bench.plan.image(attribute).reference
        image = bench.engine.client.images.get(reference)
        lines.append(measured("sizes", f"{reference} uncompressed", "B", [image.attrs["Size"]]))
        lines += layer_lines(attribute, reference, {_name(layer): layer["Size"] for layer in reversed(image.history())})
    return lines


def _name(layer: Mapping[str, Any]) -> str:
    return str(layer["CreatedBy"]).removeprefix(_COMMENT)


def layer_lines(attribute: str, reference: str, sizes: Mapping[str, int]) -> list[Measurement]:
    """The lines of one image, the sum of all but its models first.

    Args:
        attribute: its name in the flake.
        reference: its name in the engine.
        sizes: layer → bytes, from the stable to the volatile.
    """
    bound = _WANTED_BYTES.get(attribute)
    wanted = None if bound is None else Wanted("at most", bound)
    without = sum(size for name, size in sizes.items() if not name.startswith("model "))
    lines = [measured("sizes", f"{reference} without models", "B", [without], wanted=wanted)]
    return [*lines, *(measured("sizes", f"  {name}", "B", [size]) for name, size in sizes.items())]
