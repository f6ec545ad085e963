"""What an image holds, read through the engine without starting it."""

import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import docker
from docker.models.containers import Container


@dataclass(frozen=True)
class Contents:
    """An image at rest.

    Args:
        config: its OCI config: User, Env, Labels and the like.
        created_by: the layers' notes on what they hold, from the first to the last.
        paths: absolute path of every file, link and directory.
    """

    config: dict[str, Any]
    created_by: tuple[str, ...]
    paths: frozenset[str]

    @property
    def environment(self) -> dict[str, str]:
        return dict(variable.split("=", 1) for variable in self.config["Env"])


def contents_of(engine: docker.DockerClient, reference: str) -> Contents:
    image = engine.images.get(reference)
    history = list(reversed(image.history()))
    container = engine.containers.create(reference)
    try:
        paths = frozenset(_paths(container))
    finally:
        container.remove(v=True)
    return Contents(
        config=image.attrs["Config"],
        created_by=tuple(layer["CreatedBy"] for layer in history),
        paths=paths,
    )


def _paths(container: Container) -> Iterator[str]:
    with tarfile.open(fileobj=_Stream(container.export(chunk_size=1 << 20)), mode="r|") as archive:
        for member in archive:
            yield "/" + member.name.strip("/")


class _Stream(io.RawIOBase):
    """Chunks as a file that is read once: an exported image need not fit in memory."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        parts, wanted = [], size
        while wanted > 0:
            if not self._rest:
                self._rest = next(self._chunks, b"")
                if not self._rest:
                    break
            parts.append(self._rest[:wanted])
            self._rest = self._rest[wanted:]
            wanted -= len(parts[-1])
        return b"".join(parts)
