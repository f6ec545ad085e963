"""From images on disk to a tag that names them: blobs first, papers next, the tag last."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from coldstart_harness.errors import RegistryFailed, UsageError
from coldstart_harness.figures import format_bytes
from coldstart_harness.progress import Progress
from coldstart_harness.pushing.documents import (
    EMPTY,
    Document,
    Paper,
    PlatformImage,
    digest_of,
    index_of,
    manifest_of,
    paper_manifest_of,
    referrers_index_of,
)
from coldstart_harness.pushing.registry import Registry, referrers_tag
from coldstart_harness.pushing.target import Target

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Moved:
    """What a push sent: blobs and their bytes; and how many blobs were there already."""

    sent: int = 0
    sent_bytes: int = 0
    there: int = 0

    def __str__(self) -> str:
        return f"{self.sent} blobs sent, {format_bytes(self.sent_bytes)}; {self.there} there already"


def push_images(
    images: Sequence[PlatformImage], papers: Sequence[Paper], registry: Registry, target: Target, progress: Progress
) -> str:
    """Send what the registry lacks of one image a platform, and move the tag last: it never names half of anything.

    Args:
        images: the first one is this machine's.
        papers: what is attached to the first image.
        registry: where to.
        target: the tag that gets them: the image itself, or an index of several.
        progress: what a person watches.

    Returns:
        The digest of what the tag names now.

    Raises:
        RegistryFailed: the registry refuses something, or the tag names other bytes afterwards.
        UsageError: two images are for one platform.
    """
    platforms = [image.platform_name for image in images]
    if len(set(platforms)) < len(platforms):
        raise UsageError(f"the images are for {', '.join(platforms)}; wanted one a platform")
    if len(images) == 1:
        progress.note(f"an image for {platforms[0]} alone; with --also DIR it becomes an index of several platforms")
    for image in images:
        with progress.phase(f"pushing {image.platform_name}") as phase:
            moved = _send_blobs(image, registry, phase.say)
            _put(registry, manifest_of(image))
        progress.note(str(moved))
    for paper in papers:
        _attach(paper, images[0], registry, progress)
    named = index_of(images) if len(images) > 1 else manifest_of(images[0])
    if _digest_behind(registry, target.tag) != named.digest:
        registry.put(named, target.tag)
    met = _digest_behind(registry, target.tag)
    if met != named.digest:
        raise RegistryFailed(f"{target} is {met or 'not there'} after the push; built was {named.digest}")
    return named.digest


def _send_blobs(image: PlatformImage, registry: Registry, say: Say) -> Moved:
    sent = sent_bytes = there = 0
    for number, blob in enumerate(image.blobs):
        what = f"layer {number} of {len(image.blobs) - 1}" if number else "config"
        if registry.has(blob.digest):
            say(f"{what}: there already")
            there += 1
            continue
        registry.send(blob, _counting(what, blob.size, say))
        sent += 1
        sent_bytes += blob.size
    return Moved(sent, sent_bytes, there)


def _counting(what: str, size: int, say: Say) -> Callable[[int], None]:
    done = 0

    def sent(count: int) -> None:
        nonlocal done
        done += count
        say(f"{what}: {format_bytes(done)} of {format_bytes(size)}")

    return sent


def _attach(paper: Paper, image: PlatformImage, registry: Registry, progress: Progress) -> None:
    """Make a paper findable by the image that it is about, unless it is already.

    A registry that keeps no list of who refers to what gets that list as a tag, as the specification has it.
    """
    subject = manifest_of(image)
    document = paper_manifest_of(paper, subject, image.annotations)
    listed = registry.referrers(subject.digest)
    if any(descriptor.get("digest") == document.digest for descriptor in listed):
        progress.note(f"{paper.name} ({paper.media_type}): attached already")
        return
    for blob in (EMPTY, paper.blob):
        if not registry.has(blob.digest):
            registry.send(blob)
    if not registry.put(document, document.digest):
        entry = {**document.descriptor, "artifactType": paper.media_type, "annotations": document.annotations}
        registry.put(referrers_index_of([*listed, entry]), referrers_tag(subject.digest))
    progress.note(f"{paper.name} ({paper.media_type}): attached")


def _put(registry: Registry, document: Document) -> None:
    if registry.manifest(document.digest) is None:
        registry.put(document, document.digest)


def _digest_behind(registry: Registry, tag: str) -> str | None:
    """Of the bytes that a tag's readers get, not of what the registry says of them."""
    content = registry.manifest(tag)
    return None if content is None else digest_of(content)
