"""Row `sizes`: what an image weighs, layer by layer, uncompressed as the engine keeps it."""

from collections.abc import Sequence

from coldstart_harness.bench.report import Measurement, Wanted, measured
from coldstart_harness.bench.rows import ASR, IMAGES, Bench

_WANTED_BYTES = {ASR: 450_000_000}


def measure_sizes(bench: Bench) -> list[Measurement]:
    """Each image with its models and without, and its layers."""
    lines = []
    for attribute in IMAGES:
        reference = bench.plan.image(attribute).reference
        image = bench.engine.client.images.get(reference)
        lines.append(measured("sizes", f"{reference} uncompressed", "B", [image.attrs["Size"]]))
        sizes = [(str(layer["CreatedBy"]).removeprefix("coldstart: "), layer["Size"]) for layer in image.history()]
        lines += layer_lines(attribute, reference, sizes[::-1])
    return lines


def layer_lines(attribute: str, reference: str, sizes: Sequence[tuple[str, int]]) -> list[Measurement]:
    """The lines of one image, the sum of all but its models first.

    Args:
        attribute: its name in the flake.
        reference: its name in the engine.
        sizes: each layer with its bytes, from the stable to the volatile.
    """
    bound = _WANTED_BYTES.get(attribute)
    wanted = None if bound is None else Wanted("at most", bound)
    without = sum(size for name, size in sizes if not name.startswith("model "))
    lines = [measured("sizes", f"{reference} without models", "B", [without], wanted=wanted)]
    return [*lines, *(measured("sizes", f"  {name}", "B", [size]) for name, size in sizes)]
