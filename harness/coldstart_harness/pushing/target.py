"""Where an image goes: `REGISTRY/NAME:TAG`."""

import re
from dataclasses import dataclass

from coldstart_harness.errors import UsageError

# Source: OCI distribution specification 1.1, "Pulling manifests"; a repository has at most 255 characters in most
# registries.
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_PART}(?:/{_PART})*")
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
_REGISTRY = re.compile(r"(?:[a-zA-Z0-9][a-zA-Z0-9.-]*|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?")
_LOCAL = "localhost"
# What is called docker.io is served elsewhere, and its official images lie in a folder of that name.
_DOCKER_HUB = "docker.io"
_DOCKER_HUB_HOST = "registry-1.docker.io"


@dataclass(frozen=True, slots=True)
class Target:
    """A tag of a repository of a registry.

    Args:
        registry: as people write it, such as `ghcr.io` or `localhost:5000`.
        repository: the name within it, such as `team/coldstart`.
        tag: what the image is to be called.
    """

    registry: str
    repository: str
    tag: str

    def __str__(self) -> str:
        return f"{self.registry}/{self.repository}:{self.tag}"

    @property
    def host(self) -> str:
        """Where the registry's API is."""
        return _DOCKER_HUB_HOST if self.registry == _DOCKER_HUB else self.registry

    def by(self, digest: str) -> str:
        """The name under which everybody gets just these bytes."""
        return f"{self.registry}/{self.repository}@{digest}"


def target_of(text: str) -> Target:
    """Read `REGISTRY/NAME:TAG`, all three parts of it.

    A registry is a host, known by its dot or port, or `localhost`: a name without one is not taken for Docker's hub, so
    that nothing is published by leaving a word out.

    Raises:
        UsageError: a part is missing or not allowed.
    """
    registry, slash, rest = text.partition("/")
    repository, _, tag = rest.partition(":")
    if not slash or not (registry == _LOCAL or "." in registry or ":" in registry):
        raise UsageError(f"{text!r} names no registry; wanted REGISTRY/NAME:TAG, such as ghcr.io/you/coldstart:1.0")
    if not _REGISTRY.fullmatch(registry):
        # Not repeated: what stands before an @ may be a password.
        raise UsageError("the registry is not HOST or HOST:PORT; logins are stored by `docker login`, never given here")
    if not tag:
        raise UsageError(
            f"{text!r} has no tag; wanted REGISTRY/NAME:TAG, such as {registry}/{repository or 'name'}:1.0"
        )
    if not _REPOSITORY.fullmatch(repository):
        raise UsageError(
            f"the name {repository!r} is not allowed; wanted lower-case letters, digits and single ., _ or - between "
            "them, in parts apart by /"
        )
    if not _TAG.fullmatch(tag):
        raise UsageError(
            f"the tag {tag!r} is not allowed; wanted up to 128 letters, digits, ., _ and -, not . or - at first"
        )
    return Target(registry, repository, tag)
