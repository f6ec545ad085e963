"""The bill of materials of an image, against what the image holds."""

from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from tests.integration.subjects import Subject

from coldstart_harness.archive.image import ImageAtRest
from coldstart_harness.papers.command import sbom_for
from coldstart_harness.papers.sources import read_papers

pytestmark = pytest.mark.docker


def test_closure_sbom_and_layers_are_the_same(subject: Subject, contents: ImageAtRest) -> None:
    """Every store path of the closure is in the SBOM and in the layers, and nothing else is; the document is valid."""
    assert subject.papers is not None, "the list of images does not say where their papers are"
    sbom = sbom_for(subject.reference, read_papers(Path(subject.papers)), contents)
    assert list(sbom.differences) == []
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(sbom.content.decode()) is None
