"""The plan: the one file in which Nix tells the harness what there is to build."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from coldstart_harness.errors import UsageError


@dataclass(frozen=True, slots=True)
class PlannedImage:
    """One image of the flake.

    Args:
        attribute: its name in the flake, such as `image-wheel`.
        reference: name and tag under which it is loaded.
        derivation: builds its description; the description's store path changes when anything in the image does.
        to_docker: builds a program that loads it into a Docker daemon.
        to_podman: the same for Podman's storage.
        to_file: builds a program that writes it where its argument says, such as `oci:DIRECTORY:TAG`.
        papers: builds what its bill of materials is written from.
        port: where it listens inside, offering all its services.
        layers: its layers' names, from the stable to the volatile.
        environment: variables that it must be given to offer all its services; none where it does so by itself.
        accelerator: `cpu`, or what its engines need of the machine.
        tested: the machine that `test` runs on can build and start it: no hub, no accelerator.
        code_changed: the same image after a change of a line of code; None: there is none to build.
    """

    attribute: str
    reference: str
    derivation: Path
    to_docker: Path
    to_podman: Path
    to_file: Path
    papers: Path
    port: int
    layers: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    accelerator: str = "cpu"
    tested: bool = False
    code_changed: "PlannedImage | None" = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Images by attribute, and the derivation of each check by its name."""

    images: Mapping[str, PlannedImage]
    checks: Mapping[str, Path]

    @property
    def tested(self) -> list[PlannedImage]:
        """Those that `test` builds where it is not told which."""
        return [image for image in self.images.values() if image.tested]

    def image(self, attribute: str) -> PlannedImage:
        """The image of that attribute.

        Raises:
            UsageError: there is none; the sentence names those that there are.
        """
        try:
            return self.images[attribute]
        except KeyError:
            known = ", ".join(sorted(self.images))
            raise UsageError(f"there is no image {attribute!r}; there are: {known}") from None


def load_plan(path: Path) -> Plan:
    """Read the plan that Nix wrote.

    Raises:
        UsageError: the file is missing or is not a plan.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        images = {attribute: _image_of(attribute, image) for attribute, image in document["images"].items()}
        checks = {name: Path(derivation) for name, derivation in document["checks"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path} is not a plan that `nix run` hands to the harness: {error!r}") from None
    return Plan(images=images, checks=checks)


def _image_of(attribute: str, image: Mapping[str, Any]) -> PlannedImage:
    planned = PlannedImage(
        attribute=attribute,
        reference=image["name"],
        derivation=Path(image["image"]),
        to_docker=Path(image["to_docker"]),
        to_podman=Path(image["to_podman"]),
        to_file=Path(image["to_file"]),
        papers=Path(image["papers"]),
        port=int(image["port"]),
        layers=tuple(image["layers"]),
        environment={name: str(value) for name, value in image["environment"].items()},
        accelerator=str(image["accelerator"]),
        tested=bool(image["tested"]),
    )
    changed = image["code_changed"]
    if changed is None:
        return planned
    # It differs in how it is built and named; all else is the image's own.
    return replace(planned, code_changed=_image_of(attribute, {**image, **changed, "code_changed": None}))
