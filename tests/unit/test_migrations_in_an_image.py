"""Migrations where there is only what an image holds of the server: bytecode, and no sources."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from nix.images.reached_code import main
from sqlalchemy import inspect

from coldstart.storage.database import engine_of
from coldstart.storage.interview_tables import METADATA

SERVER = Path(__file__).parents[2] / "server"
MIGRATING = """
import sys
from coldstart.storage import database
database.migrate(database.engine_of(sys.argv[1]))
print(database.__file__)
"""


def test_an_image_brings_its_migrations(tmp_path: Path) -> None:
    """All of them are reached from the module that runs them, as the build follows imports."""
    source = tmp_path / "source"
    shutil.copytree(SERVER, source, ignore=shutil.ignore_patterns("__pycache__", "apps", "api", "engines", "services"))
    (source / "coldstart" / "apps").mkdir()
    for name, code in {
        "__main__": "import coldstart.storage.database",
        "apps/__init__": "",
        "apps/healthcheck": "",
    }.items():
        (source / "coldstart" / f"{name}.py").write_text(code)
    main(source, tmp_path / "image", [])
    assert not list((tmp_path / "image").rglob("*.py"))
    url = f"sqlite:///{tmp_path}/x.sqlite"
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path / "image"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", MIGRATING, url]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)  # noqa: S603
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == str(tmp_path / "image" / "coldstart" / "storage" / "database.pyc")
    engine = engine_of(url)
    assert set(inspect(engine).get_table_names()) == {*METADATA.tables, "alembic_version"}
    engine.dispose()
