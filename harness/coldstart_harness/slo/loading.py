"""Reading `slo.toml`, and finding what it says of one image."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from coldstart_harness.errors import UsageError
from coldstart_harness.slo.bodies import DIRECTORY
from coldstart_harness.slo.document import Image, Service, Slo, laid_over


@dataclass(frozen=True)
class Target:
    """What the file says of one image.

    Args:
        name: the image's name in the file; its repository's where the file has none.
        image: promises on the image at rest.
        services: name → what the image serves, the image's own tables laid over.
    """

    name: str
    image: Image
    services: dict[str, Service]


@dataclass(frozen=True)
class SloFile:
    """A file of promises that was read and found right."""

    path: Path
    slo: Slo
    raw: dict[str, Any]

    def target_of(self, reference: str) -> Target:
        """What the file says of an image, found by the last part of its repository's name.

        Raises:
            UsageError: the file has images but not this one, or several services and no image that chooses.
        """
        name = repository_of(reference)
        if name in self.slo.images:
            image = self.slo.images[name]
            return Target(name, image, {service: self._laid(service, over) for service, over in image.services.items()})
        if self.slo.images or len(self.slo.services) != 1:
            known = ", ".join(self.slo.images) or "none"
            raise UsageError(f"{self.path} has no [image.{name}] for {reference}; its images are: {known}")
        return Target(name, Image(), dict(self.slo.services))

    def _laid(self, service: str, over: dict[str, Any]) -> Service:
        try:
            return Service.model_validate(laid_over(self.raw["service"][service], over), context=_context(self.path))
        except ValidationError as error:
            raise _usage_error(self.path, f"service {service} of an image: ", error) from None


def repository_of(reference: str) -> str:
    """`wheel` of `registry:5000/team/wheel:1.0` and of `team/wheel@sha256:…`."""
    return reference.partition("@")[0].rpartition("/")[2].partition(":")[0]


def load_slo(path: Path) -> SloFile:
    """Read a file of promises.

    Raises:
        UsageError: it is missing, no TOML, or says something that the schema does not have; the sentence names the
            place, the value met and the value wanted.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read as a file of promises: {error}") from None
    try:
        slo = Slo.model_validate(raw, context=_context(path))
    except ValidationError as error:
        raise _usage_error(path, "", error) from None
    for name, image in slo.images.items():
        unknown = [service for service in image.services if service not in slo.services]
        if unknown:
            known = ", ".join(slo.services)
            raise UsageError(f"{path}: image.{name}.services names {', '.join(unknown)}; the services are: {known}")
    found = SloFile(path, slo, raw)
    for name in slo.images:
        found.target_of(name)
    return found


def _context(path: Path) -> dict[str, Path]:
    return {DIRECTORY: path.parent}


def _usage_error(path: Path, where: str, error: ValidationError) -> UsageError:
    return UsageError(f"{path}: {where}" + "; ".join(_complaint(problem) for problem in _distinct(error)))


def _distinct(error: ValidationError) -> Sequence[dict[str, Any]]:
    return list({str(problem["loc"]): dict(problem) for problem in error.errors()}.values())


def _complaint(problem: dict[str, Any]) -> str:
    place = ".".join(str(part) for part in problem["loc"])
    met = "" if problem["type"] == "missing" else f", met {problem['input']!r}"
    return f"{place}: {problem['msg']}{met}"
