"""Names of images: `[registry/]repository[:tag]`."""

import re
from dataclasses import dataclass

from .errors import LayersError

# What an image name without a registry means, to Docker and to skopeo alike.
DEFAULT_REGISTRY = "docker.io"
_REPOSITORY = re.compile(r"[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)


@dataclass(frozen=True)
class Reference:
    """Where an image lies: registry (`host` or `host:port`), repository, tag."""

    registry: str
    repository: str
    tag: str


def parse(text: str) -> Reference:
    """Read an image's name as Docker does: a first part with a dot or a colon, or `localhost`, is a registry.

    Raises:
        LayersError: it is no such name.
    """
    first, slash, rest = text.partition("/")
    named = slash and (first == "localhost" or "." in first or ":" in first)
    registry, path = (first, rest) if named else (DEFAULT_REGISTRY, text)
    repository, _, tag = path.partition(":")
    if registry == DEFAULT_REGISTRY and "/" not in repository:
        repository = f"library/{repository}"
    tag = tag or "latest"
    if not _REPOSITORY.fullmatch(repository) or not _TAG.fullmatch(tag):
        raise LayersError(
            f"{text!r} is no image name; wanted [registry/]repository[:tag] with a lower-case repository."
        )
    return Reference(registry, repository, tag)
