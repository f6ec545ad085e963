"""Bills of materials: what they say, and whether it is what the image holds."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from tests.unit.harness_image_doubles import docker_save, link, put, tar_of
from tests.unit.harness_papers_doubles import CODE, FILES, LIBRARY, MODEL, SHA256, STRANGER, WHEEL, image_in, papers_in

from coldstart_harness import nix
from coldstart_harness.archive.image import opened_image
from coldstart_harness.errors import UsageError
from coldstart_harness.papers.agreement import disagreements, paths_in_sbom
from coldstart_harness.papers.command import Sbom, sbom_for, write_sbom
from coldstart_harness.papers.items import DEBIAN_RELEASE, items_of
from coldstart_harness.papers.sources import read_papers
from coldstart_harness.papers.weights import weights_of
from coldstart_harness.plan import PlannedImage
from coldstart_harness.progress import Progress, make_console

TOP = Path(__file__).resolve().parents[2]


def written(directory: Path) -> Sbom:
    with image_in(directory) as image:
        return sbom_for("coldstart-wheel:0.1.0", papers_in(directory), image)


def components_of(directory: Path) -> dict[str, dict[str, Any]]:
    document = json.loads(written(directory).content)
    return {component["name"]: component for component in document["components"]}


def properties(component: dict[str, Any]) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in component["properties"]}


def test_the_document_is_cyclonedx(tmp_path: Path) -> None:
    """The schema of CycloneDX 1.6, strictly taken, finds nothing wrong."""
    content = written(tmp_path).content.decode()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(content) is None
    assert json.loads(content)["specVersion"] == "1.6"


def test_the_same_image_gives_the_same_bytes(tmp_path: Path) -> None:
    """No clock and no chance is in it."""
    first = written(tmp_path).content
    assert first == written(tmp_path).content
    assert json.loads(first)["metadata"]["timestamp"].startswith("1970-01-01")


def test_another_image_has_another_serial_number(tmp_path: Path) -> None:
    """The number follows from the digest of the image's config."""
    first = json.loads(written(tmp_path).content)["serialNumber"]
    with image_in(tmp_path, {**FILES, "/etc/passwd": b"other"}) as image:
        other = sbom_for("coldstart-wheel:0.1.0", papers_in(tmp_path), image).content
    assert json.loads(other)["serialNumber"] != first


def test_a_debian_package_is_named_as_scanners_match_it(tmp_path: Path) -> None:
    """Its purl names distribution and source package, whose version lacks the rebuild's suffix."""
    components = components_of(tmp_path)
    package = components["libssl3"]
    assert package["purl"] == (
        "pkg:deb/debian/libssl3@1:3.0.20-1%2Bb2?arch=amd64&distro=debian-12&upstream=openssl%401:3.0.20-1"
    )
    assert package["hashes"] == [{"alg": "SHA-256", "content": SHA256}]
    assert properties(package)["aquasecurity:trivy:SrcName"] == "openssl"
    assert (components["debian"]["type"], components["debian"]["version"]) == ("operating-system", "12")


def test_the_debian_release_is_that_of_the_pins() -> None:
    """bookworm, which the pins name, is Debian 12."""
    pins = json.loads((TOP / "nix/offline/pins/debs.json").read_text())
    assert {"bookworm": "12", "trixie": "13"}[pins["suite"]] == DEBIAN_RELEASE


def test_a_python_distribution_has_purl_hash_and_licence(tmp_path: Path) -> None:
    """The hash is the wheel's, the licence that of METADATA."""
    wheel = components_of(tmp_path)["idna"]
    assert (wheel["purl"], wheel["hashes"][0]["content"]) == ("pkg:pypi/idna@3.20", SHA256)
    assert wheel["licenses"] == [{"license": {"acknowledgement": "declared", "id": "MIT"}}]
    assert properties(wheel)["coldstart:installed-from"] == "idna.whl"


def test_a_model_is_a_machine_learning_model(tmp_path: Path) -> None:
    """Revision, source with its hash, engine, form of the weights, and each file with the hash that it has here."""
    model = components_of(tmp_path)["gpt2"]
    assert (model["type"], model["version"]) == ("machine-learning-model", "607A")
    assert model["purl"] == "pkg:huggingface/openai-community/gpt2@607a"
    [source] = model["externalReferences"]
    assert source["url"].endswith("/openai-community/gpt2/resolve/607A/model.safetensors")
    assert source["hashes"] == [{"alg": "SHA-256", "content": SHA256}]
    assert properties(model)["coldstart:engine"] == "transformers"
    assert properties(model)["coldstart:weights"] == "float16"
    [file] = model["components"]
    assert (file["name"], file["type"], len(file["hashes"][0]["content"])) == ("model.safetensors", "file", 64)


def test_what_nobody_knows_is_known_by_its_store_path(tmp_path: Path) -> None:
    """Name and version are those of the path, without the name of an output; scanners get a CPE."""
    stranger = components_of(tmp_path)["zstd"]
    assert (stranger["version"], stranger["purl"]) == ("1.5.6", "pkg:generic/zstd@1.5.6")
    assert stranger["cpe"].startswith("cpe:2.3:a:zstd:zstd:1.5.6:")
    assert properties(stranger)["coldstart:store-path"] == STRANGER


def test_what_refers_to_what_is_told(tmp_path: Path) -> None:
    """A store path's references are dependencies of what it holds; the image depends on what nothing else needs."""
    document = json.loads(written(tmp_path).content)
    needed = {entry["ref"]: set(entry.get("dependsOn", ())) for entry in document["dependencies"]}
    references = {component["name"]: component["bom-ref"] for component in document["components"]}
    assert needed[references["idna"]] == {references["libssl3"]}
    assert needed["image"] == {references["server"], references["root"]}


def test_closure_sbom_and_layers_agree(tmp_path: Path) -> None:
    """Of an image that is what it should be there is nothing to say, and every path is named."""
    assert written(tmp_path).differences == ()
    expected = {LIBRARY, WHEEL, MODEL, CODE, STRANGER, str(tmp_path / "d-image-root")}
    assert paths_in_sbom(written(tmp_path).content) == expected


def test_a_store_path_that_the_layers_lack_is_named(tmp_path: Path) -> None:
    """The sentence says who has it and who has not."""
    with image_in(tmp_path, {path: content for path, content in FILES.items() if WHEEL not in path}) as image:
        sbom = sbom_for("coldstart-wheel:0.1.0", papers_in(tmp_path), image)
    assert sbom.differences == (f"{WHEEL} is in the closure and the SBOM, and not in the layers",)


def test_a_store_path_that_only_the_layers_have_is_named(tmp_path: Path) -> None:
    """So is a file that lies outside the store."""
    more = {**FILES, "/nix/store/x-shell/bin/sh": b"", "/usr/bin/sh": b""}
    with image_in(tmp_path, more) as image:
        sbom = sbom_for("coldstart-wheel:0.1.0", papers_in(tmp_path), image)
    assert sbom.differences == (
        "/nix/store/x-shell is in the layers, and not in the closure or the SBOM",
        "/usr/bin/sh is in the layers, and of no store path",
    )


def test_a_file_of_the_root_that_is_missing_is_named(tmp_path: Path) -> None:
    """The root's store path is there when all of its files are."""
    with image_in(tmp_path, {path: content for path, content in FILES.items() if path != "/etc/passwd"}) as image:
        differences = sbom_for("coldstart-wheel:0.1.0", papers_in(tmp_path), image).differences
    root = tmp_path / "d-image-root"
    assert differences[0] == f"{root} is in the closure and the SBOM, and not in the layers"
    assert f"/etc/passwd of {root} is not in the layers" in differences


def test_a_component_that_the_sbom_lacks_is_named(tmp_path: Path) -> None:
    """The document is judged as it was written."""
    papers = papers_in(tmp_path)
    with image_in(tmp_path) as image:
        document = json.loads(sbom_for("coldstart-wheel:0.1.0", papers, image).content)
        document["components"] = [c for c in document["components"] if c["name"] != "idna"]
        [sentence] = disagreements(papers, json.dumps(document).encode(), image)
    assert sentence == f"{WHEEL} is in the closure and the layers, and not in the SBOM"


def test_files_that_a_model_links_to_are_the_models(tmp_path: Path) -> None:
    """A store path of one file of a model is a file of the model, and no package."""
    papers = papers_in(tmp_path)
    model = tar_of(
        *(put(path, content) for path, content in FILES.items() if MODEL not in path),
        link(f"{MODEL}/config.json", f"{STRANGER}/lib/libzstd.so"),
    )
    archive = tmp_path / "linked.tar"
    archive.write_bytes(docker_save([model]))
    with opened_image(archive, tmp_path) as image:
        items = {item.name: item for item in items_of(papers, image)}
    assert [(file.path, file.store_path) for file in items["gpt2"].files] == [("config.json", STRANGER)]
    assert "zstd" not in items


def ctranslate2(kind: int, size: int) -> bytes:
    """A model file of one variable."""
    head = struct.pack("<IH", 6, 5) + b"Spec\0" + struct.pack("<II", 3, 1)
    return head + struct.pack("<H", 2) + b"w\0" + struct.pack("<BIBI", 1, size, kind, size) + bytes(size)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("config.json", b'{"weights": "int8"}', "int8"),
        ("config.json", b"[]", None),
        ("model.bin", ctranslate2(1, 12), "int8"),
        ("model.bin", ctranslate2(4, 12), "float16"),
        ("model.bin", ctranslate2(1, 12)[:9], None),
        ("model.safetensors", b"", None),
        ("model.onnx", b"\x08", None),
    ],
)
def test_the_form_of_weights_is_read_from_the_model(
    tmp_path: Path, name: str, content: bytes, expected: str | None
) -> None:
    """Where no file says it, nothing is claimed."""
    with image_in(tmp_path, {"/models/a": b"", f"/models/{name}": content, "/b": b"", "/c": b""}) as image:
        assert weights_of(image, "/models") == expected


def test_what_is_not_from_nix_is_refused(tmp_path: Path) -> None:
    """The sentence names the directory."""
    with pytest.raises(UsageError, match=f"{tmp_path} does not hold what Nix tells of an image"):
        read_papers(tmp_path)


@pytest.mark.parametrize("name", ["missing/image.cdx.json", "."])
def test_a_file_that_cannot_be_written_costs_no_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Its directory is not there, or it is one itself: said before anything is built."""
    monkeypatch.setattr(nix, "build", lambda *_arguments: pytest.fail("something was built"))
    drv = Path("/nix/store/x.drv")
    image = PlannedImage("image", "app:1", drv, drv, drv, drv, papers=drv, port=1, layers=())
    with pytest.raises(UsageError, match=r"cannot be written; wanted a file in a directory that is there"):
        write_sbom(image, tmp_path / name, Progress(make_console()))
