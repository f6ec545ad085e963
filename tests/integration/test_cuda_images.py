"""Images with CUDA engines, without a GPU: a library that is taken away is missed by name.

No such image is built by `nix run .#test` unless it is named, for they are gigabytes (docs/cuda.md).
"""

import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from tests.integration.cases import Case, trial_of
from tests.integration.subjects import Subject, subjects

from coldstart_harness.engine import Engine, find_engine
from coldstart_harness.proofs.table import PROOFS
from coldstart_harness.slo.loading import load_slo

pytestmark = [pytest.mark.docker, pytest.mark.slow]

SLO = load_slo(Path(__file__).parents[2] / "slo.toml")
WHY_NONE = "no image under test has CUDA engines: `./nixw run .#test -- --image image-wheel-cuda` tests one"
ACCELERATED = [pytest.param(subject, id=subject.attribute) for subject in subjects() if subject.accelerator == "cuda"]

# Every engine with CUDA multiplies by this library's kernels. What lies on the path is a link to it.
LIBRARY = "libcublasLt.so"
REMOVAL = f"""
import os, pathlib
for directory in os.environ["LD_LIBRARY_PATH"].split(":"):
    for path in pathlib.Path(directory).glob("{LIBRARY}.*"):
        path.resolve().unlink()
"""


def with_a_change(engine: Engine, reference: str, tag: str, code: str) -> str:
    """The image after a run of Python in it, as root: it has no shell."""
    attributes = engine.client.images.get(reference).attrs["Config"]
    run = json.dumps([attributes["Entrypoint"][0], "-c", code])
    dockerfile = f"FROM {reference}\nUSER 0\nRUN {run}\nUSER {attributes['User']}\n".encode()
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as tar:
        member = tarfile.TarInfo("Dockerfile")
        member.size = len(dockerfile)
        tar.addfile(member, io.BytesIO(dockerfile))
    context.seek(0)
    changed = f"{reference.rpartition(':')[0]}:{tag}"
    options = {"custom_context": True, "rm": True, "forcerm": True, "network_mode": "none"}
    engine.client.images.build(fileobj=context, tag=changed, **options)
    return changed


@pytest.mark.parametrize(
    "accelerated", ACCELERATED or [pytest.param(None, id="no-image", marks=pytest.mark.skip(reason=WHY_NONE))]
)
def test_a_library_that_is_taken_away_is_missed(accelerated: Subject, scratch: Path) -> None:
    """Without cuBLAS' kernels the proof names the library; on a CPU the image serves all the same."""
    engine = find_engine()
    assert engine is not None, "the images under test are in an engine that does not answer any more"
    trial = trial_of(Case(accelerated, "cuda", None), SLO, engine, scratch)
    changed = with_a_change(engine, accelerated.reference, "without-cublas", REMOVAL)
    try:
        result = PROOFS["cuda"].run(replace(trial, reference=changed))
    finally:
        engine.client.images.remove(changed, force=True)
        engine.client.close()
    broken = {verdict.id: verdict.detail for verdict in result.verdicts if verdict.outcome == "broken"}
    assert broken.keys() == {"libraries-resolve", "cuda-majors-agree"}
    assert all(LIBRARY in detail for detail in broken.values())
