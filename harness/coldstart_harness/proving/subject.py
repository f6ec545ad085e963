"""From what a person names to an image that the engine has."""

from pathlib import Path

from docker.errors import APIError, ImageLoadError, ImageNotFound

from coldstart_harness.engine import Engine
from coldstart_harness.errors import ServiceFailed, UsageError
from coldstart_harness.images import build_image, load_image
from coldstart_harness.plan import Plan
from coldstart_harness.progress import Progress
from coldstart_harness.report.document import Subject

_LABEL = "org.opencontainers.image"


def in_engine(image: str, engine: Engine, plan: Plan | None, progress: Progress) -> str:
    """The reference of an image, built or loaded first where that is needed.

    Args:
        image: an attribute of the plan, a path to an archive as `docker save` writes it, or a reference.
        engine: where it has to be.
        plan: what can be built; None: nothing.
        progress: what a person watches.

    Raises:
        UsageError: there is no such image, in no way.
        BuildFailed: it could not be built or loaded.
    """
    if plan is not None and image in plan.images:
        planned = plan.image(image)
        with progress.phase(f"{image}: build and load") as phase:
            _description, loader = build_image(engine, planned, phase.say)
            load_image(engine, planned, loader, phase.say)
        return planned.reference
    if Path(image).is_file():
        with progress.phase(f"{image}: load"):
            return _loaded(Path(image), engine)
    try:
        engine.client.images.get(image)
    except ImageNotFound:
        known = f" (or one of {', '.join(plan.images)}, which are built)" if plan else ""
        raise UsageError(
            f"the container engine has no image {image}, and there is no file of that name; "
            f"pull it, or give a reference that it has, or a path to a .tar{known}"
        ) from None
    except APIError as error:
        raise UsageError(f"{image} is no reference of an image: {error.explanation}") from None
    return image


def id_of(image: str, engine: Engine, plan: Plan | None, progress: Progress) -> str:
    """The id of an image that is named likewise: it stays when the name is given to another."""
    return str(engine.client.images.get(in_engine(image, engine, plan, progress)).id)


def subject_of(engine: Engine, reference: str) -> Subject:
    """What the engine knows of an image.

    Raises:
        ServiceFailed: it is not there any more.
    """
    try:
        attributes = engine.client.images.get(reference).attrs
    except ImageNotFound:
        raise ServiceFailed(f"the container engine has no image {reference} any more") from None
    labels = (attributes.get("Config") or {}).get("Labels") or {}
    return Subject(
        reference=reference,
        image_id=str(attributes["Id"]),
        size_bytes=int(attributes["Size"]),
        version=str(labels.get(f"{_LABEL}.version", "")),
        revision=str(labels.get(f"{_LABEL}.revision", "")),
    )


def _loaded(archive: Path, engine: Engine) -> str:
    try:
        with archive.open("rb") as file:
            images = engine.client.images.load(file)
    except (APIError, ImageLoadError) as error:
        raise UsageError(f"{archive} is no archive of an image: {error}") from None
    if len(images) != 1:
        raise UsageError(f"{archive} holds {len(images)} images; a proof is of one")
    return str(images[0].tags[0] if images[0].tags else images[0].id)
