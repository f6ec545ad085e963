"""`sbom` and `licenses` from end to end."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from coldstart_harness import nix
from coldstart_harness.archive.image import ImageAtRest, opened_image
from coldstart_harness.catalogue.entries import Policy
from coldstart_harness.errors import BuildFailed, UsageError
from coldstart_harness.images import program_in
from coldstart_harness.papers.agreement import disagreements
from coldstart_harness.papers.document import MEDIA_TYPE, named, sbom_of
from coldstart_harness.papers.items import Item, items_of
from coldstart_harness.papers.policy import Verdict, verdict_of
from coldstart_harness.papers.sources import Papers, read_papers
from coldstart_harness.papers.table import license_summary, license_table
from coldstart_harness.plan import PlannedImage
from coldstart_harness.process import follow
from coldstart_harness.progress import Progress
from coldstart_harness.pushing.documents import Paper


@dataclass(frozen=True, slots=True)
class Sbom:
    """A bill of materials, and what is wrong with it.

    Args:
        content: CycloneDX as JSON.
        differences: a sentence on each store path that closure, SBOM and layers do not all have; none: they agree.
    """

    content: bytes
    differences: tuple[str, ...]


def sbom_for(reference: str, papers: Papers, image: ImageAtRest) -> Sbom:
    """The bill of materials of an image at rest.

    Args:
        reference: its name and tag.
        papers: what Nix tells of it.
        image: its layers.

    Raises:
        ImageUnreadable: a file of the image cannot be read.
    """
    content = sbom_of(named(reference, image), items_of(papers, image), papers.closure)
    return Sbom(content, tuple(disagreements(papers, content, image)))


def sbom_paper(image: PlannedImage, progress: Progress) -> Paper:
    """The bill of materials of an image of the plan, to attach to it in a registry.

    Raises:
        BuildFailed: the image or its papers cannot be built, or closure, SBOM and layers are not the same.
    """
    with _at_rest(image, progress) as (papers, contents):
        sbom = sbom_for(image.reference, papers, contents)
    if sbom.differences:
        wrong = len(sbom.differences)
        raise BuildFailed(
            f"the SBOM of {image.attribute} is wrong in {wrong} places", details="\n".join(sbom.differences)
        )
    return Paper(MEDIA_TYPE, f"{image.attribute}.cdx.json", sbom.content)


def write_sbom(image: PlannedImage, out: Path | None, progress: Progress) -> bool:
    """Write an image's bill of materials to a file, or to standard output.

    Returns:
        Whether closure, SBOM and layers name the same store paths.

    Raises:
        BuildFailed: the image or its papers cannot be built.
        UsageError: there is no such file to write to; nothing was built.
    """
    if out is not None and (out.is_dir() or not out.parent.is_dir()):
        raise UsageError(f"{out} cannot be written; wanted a file in a directory that is there")
    with _at_rest(image, progress) as (papers, contents):
        sbom = sbom_for(image.reference, papers, contents)
    if out is None:
        print(sbom.content.decode(), end="")  # noqa: T201 - a command's output
    else:
        out.write_bytes(sbom.content)
    for sentence in sbom.differences:
        progress.note(sentence)
    if not sbom.differences:
        progress.note(f"{image.reference}: closure, SBOM and layers have the same {len(papers.closure)} store paths")
    return not sbom.differences


def show_licenses(image: PlannedImage, policy: Policy, progress: Progress) -> bool:
    """Print a table of all licences in an image.

    Returns:
        Whether the policy refuses none.

    Raises:
        BuildFailed: the image or its papers cannot be built.
    """
    with _at_rest(image, progress) as (papers, contents):
        judged = [(item, verdict_of(item.licences, policy)) for item in items_of(papers, contents)]
    progress.console.print(license_table(judged))
    progress.note(license_summary(judged))
    return _worst(judged) is not Verdict.REFUSED


def _worst(judged: list[tuple[Item, Verdict]]) -> Verdict:
    return max((verdict for _item, verdict in judged), default=Verdict.OPEN)


@contextmanager
def _at_rest(image: PlannedImage, progress: Progress) -> Iterator[tuple[Papers, ImageAtRest]]:
    """An image of the plan as it comes out of the store: no container engine takes part."""
    with progress.phase(f"building {image.attribute} and its papers") as phase:
        copier, papers = nix.build([image.to_file, image.papers], phase.say)
    with tempfile.TemporaryDirectory(prefix="coldstart-papers-") as scratch:
        archive = Path(scratch, "image.tar")
        with progress.phase("reading its layers") as phase:
            done = follow([program_in(copier), f"docker-archive:{archive}:{image.reference}"], on_line=phase.say)
            if done.status:
                raise BuildFailed(f"writing {image.attribute} failed (exit status {done.status})", details=done.tail)
        with opened_image(archive, Path(scratch)) as contents:
            yield read_papers(papers), contents
