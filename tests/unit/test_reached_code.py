"""What an image holds of the server: all that its services reach, and what of it can be read at runtime."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from nix.images.reached_code import main
from tests.doubles import write_manifest

SERVER = Path(__file__).parents[2] / "server"
# Each with those that it is built on, as nix/variants.nix has them.
SERVICES = {"asr": (), "tts": (), "wheel": (), "interview": ("asr", "tts")}
# What /openapi.json publishes of every service.
PUBLISHED = """
import json
from fastapi import FastAPI
from coldstart.api import metrics, openai_models, probes
from coldstart.apps import asr, tts, wheel
app = FastAPI()
for router in (probes.router, metrics.router, openai_models.router):
    app.include_router(router)
for service in (asr, tts, wheel):
    for router in service.routers():
        app.include_router(router)
print(json.dumps(app.openapi()))
"""


def write_server(directory: Path, modules: Mapping[str, str]) -> Path:
    """A package `coldstart` whose start imports, each in a function, the modules of two services; and more modules."""
    files = {
        "__init__": "",
        "__main__": "from coldstart.apps import modes",
        "apps/__init__": "",
        "apps/healthcheck": "",
        "apps/modes": "".join(f"def {name}():\n    from coldstart.apps import {name}\n" for name in ("drill", "lathe")),
        "apps/drill": "",
        "apps/lathe": "",
        **modules,
    }
    for name, code in files.items():
        path = directory / "coldstart" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code)
    return directory


def held(out: Path) -> set[str]:
    return {str(path.relative_to(out / "coldstart")) for path in out.rglob("*") if path.is_file()}


def run(code: str, path: Path, **environ: str) -> "subprocess.CompletedProcess[str]":
    """Python code, or a module after `-m`, with that directory on the path and nothing else of the environment's."""
    arguments = code.split() if code.startswith("-m ") else ["-c", code]
    variables = {"PATH": os.environ["PATH"], "PYTHONPATH": str(path), "PYTHONDONTWRITEBYTECODE": "1", **environ}
    return subprocess.run([sys.executable, *arguments], env=variables, cwd="/", capture_output=True, text=True)  # noqa: S603


def test_a_service_left_out_takes_along_what_only_it_reaches(tmp_path: Path) -> None:
    """Modules that another service or the start reaches stay, sources go."""
    modules = {
        "apps/drill": "from coldstart import bit, chuck",
        "apps/lathe": "def turn():\n    from coldstart.chuck import grip",
        "bit": "",
        "chuck": "grip = 1",
    }
    source = write_server(tmp_path / "server", modules)
    main(source, tmp_path / "out", ["drill"])
    assert held(tmp_path / "out") == {
        *("__init__.pyc", "__main__.pyc", "chuck.pyc"),
        *("apps/__init__.pyc", "apps/healthcheck.pyc", "apps/modes.pyc", "apps/lathe.pyc"),
    }


def test_what_a_service_starts_besides_stays_and_goes_with_it(tmp_path: Path) -> None:
    """A module that is called as the service and more, and a package of it with what process 1 of a container runs."""
    modules = {
        "apps/drill_worker": "",
        "apps/drill_container/__init__": "",
        "apps/drill_container/process_one": "from coldstart import chuck",
        "chuck": "",
    }
    source = write_server(tmp_path / "server", modules)
    (source / "coldstart" / "apps" / "drill_container" / "process.conf").write_text("[drill]")
    main(source, tmp_path / "with", [])
    started = {"chuck.pyc", *(f"apps/drill_container/{name}" for name in ("process_one.pyc", "process.conf"))}
    assert started <= held(tmp_path / "with")
    main(source, tmp_path / "without", ["drill"])
    assert not [name for name in held(tmp_path / "without") if "drill" in name or "chuck" in name]


def test_a_package_brings_its_files(tmp_path: Path) -> None:
    """Those of a package that is not reached stay behind."""
    modules = {"apps/lathe": "import coldstart.page", "page/__init__": "", "sheet/__init__": ""}
    source = write_server(tmp_path / "server", modules)
    for name in ("page", "sheet"):
        (source / "coldstart" / name / "static").mkdir()
        (source / "coldstart" / name / "static" / "index.html").write_text("<p>")
    main(source, tmp_path / "out", [])
    assert {path for path in held(tmp_path / "out") if path.endswith("html")} == {"page/static/index.html"}


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (
            "def turn():\n    from coldstart.chuck import grip",
            "coldstart.chuck is imported, and there is no such module",
        ),
        ("from coldstart.apps import chuck", "coldstart.apps.chuck is imported, and there is no such module"),
        ("import importlib", "coldstart.apps.lathe imports by name"),
        ("from importlib.util import find_spec", "coldstart.apps.lathe imports by name"),
    ],
)
def test_an_import_that_cannot_be_followed_fails_the_build(tmp_path: Path, code: str, sentence: str) -> None:
    """Nobody learns of it when the image is started."""
    source = write_server(tmp_path / "server", {"apps/lathe": code})
    with pytest.raises(SystemExit, match=sentence):
        main(source, tmp_path / "out", [])
    main(source, tmp_path / "out", ["lathe"])


def test_a_service_that_there_is_not_cannot_be_left_out(tmp_path: Path) -> None:
    """A misspelt name would leave nothing out."""
    with pytest.raises(SystemExit, match=r"coldstart.apps.mill is to be left out, and there is no such module"):
        main(write_server(tmp_path / "server", {}), tmp_path / "out", ["mill"])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The server's code as an image of all services holds it."""
    out = tmp_path_factory.mktemp("whole")
    main(SERVER, out, [])
    return out


def test_what_is_published_of_the_api_stays(whole: Path) -> None:
    """Descriptions in /openapi.json are docstrings, of routes and of schemas."""
    met = run(PUBLISHED, whole)
    assert (met.returncode, met.stderr) == (0, "")
    assert met.stdout == run(PUBLISHED, SERVER).stdout


def test_a_traceback_names_the_file_of_the_repository_and_its_line(whole: Path) -> None:
    """There is no source beside the bytecode to show the line itself."""
    met = run("from coldstart.apps.ports import port_of; port_of({})", whole)
    line = next(
        number
        for number, text in enumerate((SERVER / "coldstart/apps/ports.py").read_text().splitlines(), start=1)
        if "environ[" in text
    )
    assert f'File "server/coldstart/apps/ports.py", line {line}, in port_of' in met.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_holds_its_own_service_and_no_other(tmp_path: Path, service: str) -> None:
    """Asked for another, it says what models that one needs."""
    others = [other for other in SERVICES if other not in (service, *SERVICES[service])]
    main(SERVER, tmp_path / "out", others)
    assert f"apps/{service}.pyc" in held(tmp_path / "out")
    assert not {f"apps/{other}.pyc" for other in others} & held(tmp_path / "out")
    assert any(name.startswith("apps/interview_") for name in held(tmp_path / "out")) == (service == "interview")
    manifest = tmp_path / "models.json"
    manifest.write_text('{"schema_version": 1, "models": []}')
    met = run("-m coldstart", tmp_path / "out", SERVICE_MODE=others[0], MODELS_MANIFEST=str(manifest))
    assert met.returncode == 2
    assert met.stderr.startswith(f"coldstart: SERVICE_MODE is '{others[0]}', which needs models of the tasks ")


def test_a_broken_import_is_not_taken_for_a_service_that_is_not_there(tmp_path: Path) -> None:
    """It ends with its own traceback."""
    main(SERVER, tmp_path / "out", ["tts"])
    (tmp_path / "out" / "coldstart" / "apps" / "wheel.pyc").unlink()
    (tmp_path / "out" / "coldstart" / "apps" / "wheel.py").write_text("import nowhere_to_be_found\n")
    manifest = write_manifest(tmp_path, "alpha")
    met = run("-m coldstart", tmp_path / "out", SERVICE_MODE="wheel", MODELS_MANIFEST=str(manifest))
    assert met.returncode == 1
    assert "No module named 'nowhere_to_be_found'" in met.stderr


def test_an_image_that_is_given_models_of_another_service_says_that_it_lacks_the_code(tmp_path: Path) -> None:
    """In one sentence, as whatever else is configured wrongly."""
    main(SERVER, tmp_path / "out", ["wheel"])
    manifest = write_manifest(tmp_path, "alpha")
    met = run("-m coldstart", tmp_path / "out", SERVICE_MODE="wheel", MODELS_MANIFEST=str(manifest))
    assert met.returncode == 2
    assert met.stderr.startswith("coldstart: SERVICE_MODE asks for a service that this image was not built for: ")
    assert met.stderr.count("\n") == 1
