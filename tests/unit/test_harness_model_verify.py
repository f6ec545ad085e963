"""Whether models are the ones that the catalogue names: directories, images, servers."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.unit.harness_hub_doubles import (
    COMMIT,
    FILES,
    REPOSITORY,
    STARTER,
    catalogue_of,
    repository_at,
    starter_entry,
)
from tests.unit.harness_image_doubles import docker_save, put, tar_of

from coldstart_harness.archive.image import opened_image
from coldstart_harness.catalogue.verifying import Verdict, verify_directory, verify_image, verify_server
from coldstart_harness.errors import ServiceFailed, UsageError

CATALOGUE = catalogue_of(starter_entry())


def problems_of(verdicts: list[Verdict]) -> list[str]:
    assert [verdict.model for verdict in verdicts] == ["starter"]
    return [problem for verdict in verdicts for problem in verdict.problems]


def manifest_of(path: str, revision: str = COMMIT, **sha256: str) -> dict[str, Any]:
    """A manifest with the starter model as it is published; `config_json="…"` is said of another hash."""
    pins = starter_entry().files
    files = [
        {"path": file, "sha256": sha256.get(file.replace(".", "_"), pin.sha256), "size": pin.size}
        for file, pin in pins.items()
    ]
    model = {"name": "starter", "revision": revision, "artifacts": {"transformers": {"path": path, "files": files}}}
    return {"schema_version": 1, "models": [model]}


def test_a_directory_with_a_models_files_is_as_the_catalogue_says(tmp_path: Path) -> None:
    """What else lies there is nobody's business; a byte that differs and a file that is gone are named."""
    clone = repository_at(tmp_path / "clone")
    assert problems_of(verify_directory(CATALOGUE, clone, "starter")) == []
    changed = bytearray((clone / "config.json").read_bytes())
    changed[3] ^= 1
    (clone / "config.json").write_bytes(changed)
    (clone / "tokenizer.json").unlink()
    config, tokenizer = problems_of(verify_directory(CATALOGUE, clone, "starter"))
    assert config.startswith(f"{clone}/config.json has sha256 ")
    assert f"wanted {starter_entry().files['config.json'].sha256}" in config
    assert tokenizer == f"{clone}/tokenizer.json is missing"


def test_a_mirror_is_compared_model_by_model(tmp_path: Path) -> None:
    """Its layout says which model is where; a directory of nothing known asks whose it is."""
    place = repository_at(tmp_path / REPOSITORY / "resolve" / COMMIT)
    assert problems_of(verify_directory(CATALOGUE, tmp_path, None)) == []
    (place / "config.json").write_text("{}")
    assert len(problems_of(verify_directory(CATALOGUE, tmp_path, None))) == 1
    with pytest.raises(UsageError, match="--model"):
        verify_directory(CATALOGUE, place, None)


def test_a_volume_is_compared_with_its_manifest_and_the_catalogue(tmp_path: Path) -> None:
    """Bytes by the manifest beside them, the revision by the catalogue."""
    repository_at(tmp_path / "starter")
    (tmp_path / "models.json").write_text(json.dumps(manifest_of("starter")))
    assert problems_of(verify_directory(CATALOGUE, tmp_path, None)) == []
    (tmp_path / "starter" / "config.json").write_text("{}")
    (tmp_path / "models.json").write_text(json.dumps(manifest_of("starter", revision="1")))
    revision, file = problems_of(verify_directory(CATALOGUE, tmp_path, None))
    assert revision == f"starter is at revision 1; the catalogue has {COMMIT}"
    assert file.startswith(f"{tmp_path}/starter/config.json has sha256 44136fa3")


def test_a_volume_whose_manifest_was_written_to_fit_is_found(tmp_path: Path) -> None:
    """Of files that are served as published the catalogue has the hashes."""
    (repository_at(tmp_path / "starter") / "config.json").write_text("{}")
    digest = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    (tmp_path / "models.json").write_text(json.dumps(manifest_of("starter", config_json=digest)))
    (forged,) = problems_of(verify_directory(CATALOGUE, tmp_path, None))
    pinned = starter_entry().files["config.json"].sha256
    assert forged == f"{tmp_path}/starter/config.json has sha256 {digest}; the catalogue has {pinned}"


@pytest.mark.parametrize("artifacts", [{}, {"transformers": {"path": "starter", "files": []}}])
def test_a_model_without_files_is_refused(tmp_path: Path, artifacts: dict[str, Any]) -> None:
    """In a volume and in an image: nothing was compared, so nothing is right."""
    manifest = manifest_of("starter")
    manifest["models"][0]["artifacts"] = artifacts
    (tmp_path / "models.json").write_text(json.dumps(manifest))
    assert problems_of(verify_directory(CATALOGUE, tmp_path, None)) == ["starter has no files in the manifest"]
    assert image_problems(tmp_path, manifest) == ["starter has no files in the manifest"]


def image_problems(tmp_path: Path, manifest: dict[str, Any], **contents: bytes) -> list[str]:
    whole = {file: (STARTER / file).read_bytes() for file in FILES}
    others = {file: contents.get(file.replace(".", "_"), content) for file, content in whole.items()}
    layer = tar_of(
        put("/models.json", json.dumps(manifest).encode()), *(put(f"/m/{file}", body) for file, body in others.items())
    )
    path = tmp_path / "image.tar"
    path.write_bytes(docker_save([layer], Env=["MODELS_MANIFEST=/models.json"]))
    with opened_image(path, tmp_path) as image:
        return problems_of(verify_image(CATALOGUE, image))


def test_an_image_is_compared_by_its_manifest_and_its_layers(tmp_path: Path) -> None:
    """Nothing is started: revisions, the bytes in the layers, and the hashes of files as published."""
    assert image_problems(tmp_path, manifest_of("/m")) == []


def test_an_image_with_other_bytes_is_found(tmp_path: Path) -> None:
    """Where its manifest says otherwise, and where its manifest says so too but the catalogue does not."""
    (wrong,) = image_problems(tmp_path, manifest_of("/m"), config_json=b"{}")
    assert "/m/config.json has sha256 44136fa3" in wrong
    digest = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    (forged,) = image_problems(tmp_path, manifest_of("/m", config_json=digest), config_json=b"{}")
    assert (
        forged == f"/m/config.json has sha256 {digest}; the catalogue has {starter_entry().files['config.json'].sha256}"
    )


def test_an_image_at_another_revision_is_found(tmp_path: Path) -> None:
    """Both revisions are named."""
    assert image_problems(tmp_path, manifest_of("/m", revision="2")) == [
        f"starter is at revision 2; the catalogue has {COMMIT}"
    ]


@contextmanager
def serving(health: dict[str, Any]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(health).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("model", "problems"),
    [
        ({"state": "ready", "revision": COMMIT}, []),
        ({"state": "ready", "revision": "2"}, [f"starter is at revision 2; the catalogue has {COMMIT}"]),
        ({"state": "failed", "revision": COMMIT, "reason": "a byte"}, ["starter is failed: a byte"]),
    ],
)
def test_a_running_server_is_compared_by_what_it_says(model: dict[str, Any], problems: list[str]) -> None:
    """Its models' revisions, and that it found them right."""
    with serving({"models": {"starter": model}}) as url:
        assert problems_of(verify_server(CATALOGUE, f"{url}/")) == problems


OTHER_COMMIT = "2" * 40
SIDE_BY_SIDE = catalogue_of(
    starter_entry(), starter_entry(name="starter-next", served_as="starter", revision=OTHER_COMMIT)
)


def test_two_revisions_in_a_volume_are_each_compared_with_their_own_entry(tmp_path: Path) -> None:
    """They are told apart by their revisions, and a third one is no revision of the catalogue."""
    models = []
    for place, revision in (("now", COMMIT), ("next", OTHER_COMMIT)):
        repository_at(tmp_path / place)
        models += manifest_of(place, revision)["models"]
    write = (tmp_path / "models.json").write_text
    write(json.dumps({"schema_version": 1, "models": models}))
    verdicts = verify_directory(SIDE_BY_SIDE, tmp_path, None)
    assert [verdict.model for verdict in verdicts] == [f"starter@{COMMIT}", f"starter@{OTHER_COMMIT}"]
    assert [verdict.problems for verdict in verdicts] == [(), ()]
    models[1]["revision"] = "3"
    write(json.dumps({"schema_version": 1, "models": models}))
    assert verify_directory(SIDE_BY_SIDE, tmp_path, None)[1].problems == (
        f"starter is at revision 3; the catalogue has {COMMIT} and {OTHER_COMMIT}",
    )


def test_two_revisions_of_a_server_are_each_compared_with_their_own_entry() -> None:
    """Its health report names them by NAME@REVISION."""
    health = {f"starter@{revision}": {"state": "ready", "revision": revision} for revision in (COMMIT, OTHER_COMMIT)}
    with serving({"models": health}) as url:
        verdicts = verify_server(SIDE_BY_SIDE, url)
        alone = verify_server(CATALOGUE, url)
    assert [(verdict.model, verdict.problems) for verdict in verdicts] == [(label, ()) for label in health]
    assert alone[1].problems == (f"starter is at revision {OTHER_COMMIT}; the catalogue has {COMMIT}",)


def test_a_server_with_a_model_of_nobodys_is_found() -> None:
    """It is not in the catalogue."""
    with serving({"models": {"other": {"state": "ready", "revision": "1"}}}) as url:
        (verdict,) = verify_server(CATALOGUE, url)
    assert verdict.problems == ("other is not in the catalogue",)


@pytest.mark.parametrize("health", [{}, {"models": ["starter"]}, {"models": {"starter": "ready"}}])
def test_what_is_no_server_of_this_project_is_named(health: dict[str, Any]) -> None:
    """Rather than found without a model, and so right."""
    with serving(health) as url, pytest.raises(ServiceFailed, match="/health does not answer"):
        verify_server(CATALOGUE, url)
