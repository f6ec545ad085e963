"""An image serves the very weights that it was built with, or none."""

from pathlib import Path

import docker
import pytest
from tests.integration.contents import Contents, at_rest, manifest_in, read_file
from tests.integration.subjects import Subject, container_of, eventually, service_of

from coldstart_harness.service import status_of

pytestmark = pytest.mark.docker

POLLS_AFTERWARDS = 20


@pytest.fixture
def flipped(engine: docker.DockerClient, subject: Subject, contents: Contents, tmp_path: Path) -> tuple[str, str, Path]:
    """The largest file of a model with one byte flipped: the model's name, the file's path in the image, the copy."""
    with at_rest(engine, subject.reference) as container:
        model = manifest_in(container, contents.environment)["models"][0]
        artifact = model["artifacts"][contents.environment.get("WHEEL_ENGINE", "onnxruntime")]
        weights = max(artifact["files"], key=lambda file: int(file["size"]))
        path = f"{artifact['path']}/{weights['path']}"
        content = bytearray(read_file(container, path))
    assert len(content) == weights["size"]
    content[len(content) // 2] ^= 1
    copy = tmp_path / "weights"
    copy.write_bytes(content)
    copy.chmod(0o444)
    return model["name"], path, copy


def test_a_flipped_byte_is_never_ready(subject: Subject, flipped: tuple[str, str, Path]) -> None:
    """With one byte of a weight changed the model fails, its file is named, and readiness never says 200."""
    model, path, copy = flipped
    container = container_of(subject, healthcheck={"interval": 200_000_000})
    container.with_volume_mapping(copy, path, "ro")
    said: list[int | None] = []
    with container:
        service = service_of(subject, container)

        def has_failed() -> bool:
            reply = service.get("/readyz")
            said.append(status_of(reply))
            if reply is not None:
                assert int(reply.headers["retry-after"]) >= 1
            return bool(service.health().get("status") == "failed")

        eventually(has_failed, "/health says failed")
        for _ in range(POLLS_AFTERWARDS):
            has_failed()
        state = service.health()["models"][model]
        inner = container.get_wrapped_container()
        inner.reload()
        health_of_the_engine = inner.attrs["State"]["Health"]["Status"]
    assert set(said) <= {None, 503}
    assert state["state"] == "failed"
    assert Path(path).name in state["reason"]
    assert health_of_the_engine != "healthy"
