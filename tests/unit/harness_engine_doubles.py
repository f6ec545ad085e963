"""The Docker SDK's client, as far as `prove` asks it."""

from typing import Any

from docker.errors import ImageLoadError, ImageNotFound

LABELS = {"org.opencontainers.image.version": "1.2", "org.opencontainers.image.revision": "cafe"}


class FakeImage:
    """An image as the Docker SDK shows it."""

    def __init__(self, identity: str, *tags: str) -> None:
        self.tags = list(tags)
        self.id = f"sha256:{identity}"
        self.attrs = {"Id": self.id, "Size": 1000, "Config": {"Labels": LABELS}}


class FakeCollection:
    """Containers or networks: of each its label."""

    def __init__(self) -> None:
        self.labels: list[str] = []

    def list(self, *, filters: dict[str, str], **_options: bool) -> "list[FakeMember]":
        return [FakeMember(self.labels, label) for label in self.labels if label == filters["label"]]


class FakeMember:
    """A container or a network that was listed."""

    def __init__(self, labels: list[str], label: str) -> None:
        self._labels = labels
        self._label = label

    def remove(self, **_options: bool) -> None:
        self._labels.remove(self._label)


class FakeClient:
    """What `prove` asks of the Docker SDK's client."""

    def __init__(self, *references: str) -> None:
        self.identities = {reference: reference for reference in references}
        self.archives: dict[bytes, list[FakeImage]] = {}
        self.images = self
        self.containers = FakeCollection()
        self.networks = FakeCollection()

    def get(self, reference: str) -> FakeImage:
        if reference not in self.identities:
            raise ImageNotFound("no such image")
        return FakeImage(self.identities[reference], reference)

    def load(self, file: Any) -> list[FakeImage]:
        try:
            return self.archives[file.read()]
        except KeyError:
            raise ImageLoadError("invalid tar header") from None

    def info(self) -> dict[str, str]:
        return {"ServerVersion": "20.10", "Driver": "overlay2"}
