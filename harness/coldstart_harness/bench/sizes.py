"""Row `sizes`: what an image weighs, layer by layer, uncompressed as the engine keeps it."""

from coldstart_harness.bench.report import Measurement, measured
from coldstart_harness.bench.rows import EVERYTHING, WHEEL, Bench


def measure_sizes(bench: Bench) -> list[Measurement]:
    measurements = []
    for attribute in (WHEEL, EVERYTHING):
        reference = bench.plan.image(attribute).reference
        image = bench.engine.client.images.get(reference)
        measurements.append(measured("sizes", f"{reference} uncompressed", "B", [image.attrs["Size"]]))
        for layer in reversed(image.history()):
            what = str(layer["CreatedBy"]).removeprefix("coldstart: ")
            measurements.append(measured("sizes", f"  {what}", "B", [layer["Size"]]))
    return measurements
