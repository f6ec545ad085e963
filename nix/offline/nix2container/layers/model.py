"""What layer and image derivations store, and how it reads as JSON.

The JSON has the shape that the genuine nix2container gives it, so that whoever reads an image's promises (its config,
its layers) reads both alike.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import LayersError

IMAGE_VERSION = 1
LAYER_MEDIA_TYPE = "application/vnd.oci.image.layer.v1.tar"


@dataclass(frozen=True)
class Rule:
    """Permissions for the files of a store path whose source path matches `regex` (searched, not anchored).

    `mode` is octal text, empty to leave the mode as it is; ids and names are always set.
    """

    regex: str
    mode: str = ""
    uid: int = 0
    gid: int = 0
    uname: str = ""
    gname: str = ""

    def to_json(self) -> dict[str, object]:
        """The rule under the names that buildLayer's `perms` gives its parts."""
        return dict(vars(self))


@dataclass(frozen=True)
class StorePath:
    """One store path of a layer: where it lies, whether its content moves to `/`, and its permission rules."""

    path: str
    to_root: bool = False
    rules: tuple[Rule, ...] = ()

    def to_json(self) -> dict[str, object]:
        """`options` is present only where something differs from a plain store path."""
        options: dict[str, object] = {}
        if self.to_root:
            options["rewrite"] = {"regex": f"^{self.path}", "repl": ""}
        if self.rules:
            options["perms"] = [rule.to_json() for rule in self.rules]
        return {"path": self.path, "options": options} if options else {"path": self.path}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> "StorePath":
        """Read what `to_json` wrote."""
        options = value.get("options") or {}
        rules = tuple(Rule(**rule) for rule in options.get("perms") or ())
        return StorePath(value["path"], bool((options.get("rewrite") or {}).get("regex")), rules)


@dataclass(frozen=True)
class Layer:
    """A layer: the digest (`sha256:…`) and size in bytes of its uncompressed tar, its paths, its line of history."""

    diff_id: str
    size: int
    paths: tuple[StorePath, ...]
    history: Mapping[str, object] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """`digest` and `diff_ids` are the same, because the stored form is not compressed."""
        return {
            "digest": self.diff_id,
            "diff_ids": self.diff_id,
            "size": self.size,
            "paths": [path.to_json() for path in self.paths],
            "mediatype": LAYER_MEDIA_TYPE,
            "History": dict(self.history),
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> "Layer":
        """Read what `to_json` wrote."""
        paths = tuple(StorePath.from_json(path) for path in value["paths"])
        return Layer(value["diff_ids"], value["size"], paths, value["History"])


@dataclass(frozen=True)
class Image:
    """An image without its name.

    `config` is OCI's, `architecture` `amd64` or `arm64`, `created` a time by RFC 3339, `layers` go from the lowest up.
    """

    config: Mapping[str, object]
    architecture: str
    created: str
    layers: tuple[Layer, ...]

    @property
    def config_blob(self) -> bytes:
        """The OCI image config as the exact bytes that its digest is made of."""
        return canonical_json(
            {
                "architecture": self.architecture,
                "config": self.config,
                "created": self.created,
                "history": [dict(layer.history) for layer in self.layers],
                "os": "linux",
                "rootfs": {"type": "layers", "diff_ids": list(self.diff_ids)},
            }
        )

    @property
    def id(self) -> str:
        """Digest of the config, which is what Docker and Podman call the image's id."""
        return digest_of(self.config_blob)

    @property
    def diff_ids(self) -> tuple[str, ...]:
        """Digests of the layers' tars, the lowest layer first."""
        return tuple(layer.diff_id for layer in self.layers)

    def to_json(self) -> dict[str, object]:
        """What an image derivation is: everything but the layers' bytes."""
        return {
            "version": IMAGE_VERSION,
            "image-config": dict(self.config),
            "layers": [layer.to_json() for layer in self.layers],
            "arch": self.architecture,
            "created": self.created,
        }


def read_image(path: Path) -> Image:
    """Read an image derivation.

    Raises:
        LayersError: the file is not one that this package wrote.
    """
    try:
        value = json.loads(path.read_bytes())
        if value["version"] != IMAGE_VERSION:
            raise LayersError(f"{path} has image version {value['version']}; wanted {IMAGE_VERSION}.")
        layers = tuple(Layer.from_json(layer) for layer in value["layers"])
        return Image(value["image-config"], value["arch"], value["created"], layers)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LayersError(f"{path} is no image of this package ({error!r}); wanted the JSON of an image.") from error


def read_layers(paths: Sequence[Path]) -> list[Layer]:
    """Read the `layers.json` of layer derivations, one after another.

    Raises:
        LayersError: a file is not one that this package wrote.
    """
    layers: list[Layer] = []
    for path in paths:
        try:
            layers += [Layer.from_json(layer) for layer in json.loads(path.read_bytes())]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LayersError(f"{path} is no list of layers ({error!r}); wanted the JSON of buildLayer.") from error
    return layers


def canonical_json(value: object) -> bytes:
    """One text for one value: sorted names, no blanks, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest_of(content: bytes) -> str:
    """`sha256:` and 64 hexadecimal digits."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
