"""`push` from end to end."""

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from coldstart_harness import nix
from coldstart_harness.errors import BuildFailed, UsageError
from coldstart_harness.images import program_in
from coldstart_harness.plan import PlannedImage
from coldstart_harness.process import follow
from coldstart_harness.progress import Progress
from coldstart_harness.pushing.documents import Paper, PlatformImage
from coldstart_harness.pushing.layout import image_in
from coldstart_harness.pushing.logins import login_of
from coldstart_harness.pushing.registry import Registry
from coldstart_harness.pushing.sending import push_images
from coldstart_harness.pushing.target import Target


@dataclass(frozen=True, slots=True)
class PushOptions:
    """What goes where.

    Args:
        image: an image of the plan, for this machine's platform.
        target: where it goes.
        also: directories with the same image for other platforms, in the OCI layout.
        auth_file: the only file to read logins from; None: those of Docker, Podman and skopeo.
        tls_verify: False takes any certificate, and a registry without TLS.
        digest_file: gets the digest under which the target is to be pulled; None: it is only shown.
        sbom: the image's bill of materials is attached to it.
    """

    image: PlannedImage
    target: Target
    also: tuple[Path, ...] = ()
    auth_file: Path | None = None
    tls_verify: bool = True
    digest_file: Path | None = None
    sbom: bool = True


def push(options: PushOptions, progress: Progress) -> str:
    """Build the image, send what the registry lacks, attach its papers, and name it last.

    Returns:
        The digest under which the registry has it.

    Raises:
        BuildFailed: the image could not be built or written, or its bill of materials is not what it holds.
        RegistryFailed: the registry does not answer or refuses, or has other bytes than were built.
        UsageError: a name or a directory is not what is wanted.
    """
    others = [image_in(directory) for directory in options.also]
    login = login_of(options.target, options.auth_file, os.environ)
    with (
        Registry(options.target, login, tls_verify=options.tls_verify) as registry,
        tempfile.TemporaryDirectory(prefix="coldstart-push-") as scratch,
    ):
        image = write_image(options.image, Path(scratch, "image"), progress)
        papers = _papers_of(options.image, progress) if options.sbom else []
        digest = push_images([image, *others], papers, registry, options.target, progress)
    progress.note(options.target.by(digest))
    if options.digest_file:
        _write_digest(digest, options.digest_file)
    return digest


def _write_digest(digest: str, file: Path) -> None:
    try:
        file.write_text(f"{digest}\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"the image is pushed, and {file} cannot be written: {error.strerror}") from None


def write_image(image: PlannedImage, directory: Path, progress: Progress) -> PlatformImage:
    """Build an image of the plan and lay it out in a new directory, its layers compressed.

    Raises:
        BuildFailed: Nix could not build it, or it could not be written, or other layers were written than Nix built.
    """
    with progress.phase(f"building {image.attribute}") as phase:
        description, copier = nix.build([image.derivation, image.to_file], phase.say)
    with progress.phase("compressing its layers") as phase:
        done = follow([program_in(copier), f"oci:{directory}:{image.attribute}"], on_line=phase.say)
    if done.status:
        raise BuildFailed(f"writing {image.attribute} failed (exit status {done.status})", details=done.tail)
    written = image_in(directory)
    built, met = _layers_built(description), written.config["rootfs"]["diff_ids"]
    if met != built:
        raise BuildFailed(f"{image.attribute} was written with the layers {met}; built were {built}")
    return written


def _layers_built(description: Path) -> list[str]:
    """Digests of the plain layers, as both kinds of inputs describe an image in the store."""
    return [layer["diff_ids"] for layer in json.loads(description.read_bytes())["layers"]]


def _papers_of(image: PlannedImage, progress: Progress) -> list[Paper]:
    # A third of a second to import, which every command of the harness would wait for.
    from coldstart_harness.papers.command import sbom_paper

    return [sbom_paper(image, progress)]
