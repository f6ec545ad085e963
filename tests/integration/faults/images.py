"""Images of somebody else, made without a registry: an interpreter from the Nix store, one file, one fault."""

import hashlib
import io
import json
import os
import random
import secrets
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from docker.errors import ImageNotFound

from coldstart_harness.engine import Engine

# Set by `nix run`. The Python of any other environment is no closed set of files that could become an image.
ENVIRONMENT = "COLDSTART_ENVIRONMENT"
REPOSITORY = "faulty"
PORT = 8080
SERVER = Path(__file__).with_name("server.py")
WEIGHTS = random.Random(0).randbytes(1 << 20)  # noqa: S311 - weights, no secret
_STUBS = "/opt/cuda/stubs"
_CUBLAS = "libcublas.so.12"


@dataclass(frozen=True)
class Interpreter:
    """A Python that is complete in itself.

    Args:
        program: its path, here and in an image.
        closure: all the store paths that it needs, its own among them.
    """

    program: Path
    closure: tuple[Path, ...]

    @property
    def a_library(self) -> Path:
        """Some shared library that finds all that it needs."""
        return min(self.program.parents[1].rglob("lib-dynload/*.so"))


def interpreter() -> Interpreter | None:
    """That of the Nix environment in which the tests run; None where they run in another."""
    environment = os.environ.get(ENVIRONMENT)
    if environment is None:
        return None
    program = Path(environment, "bin", "python").resolve()
    query = [_program("nix-store"), "--query", "--requisites", str(program.parents[1])]
    done = subprocess.run(query, check=True, capture_output=True, text=True)  # noqa: S603
    return Interpreter(program, tuple(Path(line) for line in done.stdout.split()))


def _program(name: str) -> str:
    path = os.pathsep.join([str(Path(os.environ.get(ENVIRONMENT, ""), "bin")), os.environ["PATH"]])
    program = shutil.which(name, path=path)
    assert program is not None, f"{name} is not on {path}"
    return program


class Workshop:
    """Makes images and remembers them. All are of one repository, with tags of this session's own."""

    def __init__(self, engine: Engine, python: Interpreter) -> None:
        self.engine = engine
        self.python = python
        self._session = secrets.token_hex(4)
        self._base = f"{REPOSITORY}:base-{self._session}"
        self._made = [self._base]
        with tempfile.TemporaryFile() as archive:
            with tarfile.open(fileobj=archive, mode="w") as tar:
                for path in python.closure:
                    tar.add(path)
            archive.seek(0)
            engine.client.api.import_image_from_data(archive, repository=REPOSITORY, tag=f"base-{self._session}")

    def subject(self, fault: str, *, version: int = 1) -> str:
        """The image of a server with one fault.

        Args:
            fault: of the server or of the image; any other word: none.
            version: of its code: another one is another line in the server's file.
        """
        tag = f"{REPOSITORY}:{fault}-{version}-{self._session}"
        if tag not in self._made:
            files = {
                "weights/weights.bin": WEIGHTS,
                "weights/weights.sha256": hashlib.sha256(WEIGHTS).hexdigest().encode(),
                "code/server.py": SERVER.read_bytes() + f"# version {version}\n".encode(),
                **self._beside(fault, version),
            }
            self._made.append(tag)
            context = _tar({**files, "Dockerfile": self._dockerfile(fault).encode()})
            self.engine.client.images.build(fileobj=context, custom_context=True, tag=tag, rm=True, forcerm=True)
        return tag

    def clear(self) -> None:
        """Remove everything that was made, the base last."""
        for tag in reversed(self._made):
            try:
                self.engine.client.images.remove(tag, force=True)
            except ImageNotFound:
                continue

    def _beside(self, fault: str, version: int) -> dict[str, bytes]:
        if fault == "weights-move-with-code":
            return {"weights/built-with": f"version {version}\n".encode()}
        if fault == "stub-libcuda":
            library = self.python.a_library
            return {
                "cuda/engine.so": _changed(library, "--add-rpath", _STUBS),
                "cuda/stubs/libcuda.so": library.read_bytes(),
            }
        if fault == "lost-cublas":
            return {"cuda/engine.so": _changed(self.python.a_library, "--add-needed", _CUBLAS)}
        return {}

    def _dockerfile(self, fault: str) -> str:
        entrypoint = [str(self.python.program), "-B", "/srv/code/server.py", fault]
        lines = [
            f"FROM {self._base}",
            "COPY weights /srv/weights",
            *(["COPY cuda /opt/cuda"] if fault in ("stub-libcuda", "lost-cublas") else []),
            "COPY code /srv/code",
            f"EXPOSE {PORT}",
            f"USER {0 if fault == 'needs-root' else 1000}",
            f"ENTRYPOINT {json.dumps(entrypoint)}",
        ]
        return "\n".join(lines) + "\n"


def _changed(library: Path, change: str, value: str) -> bytes:
    """A copy of a library with one change by patchelf: another directory to look in, another library to need."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch, library.name)
        copy.write_bytes(library.read_bytes())
        patchelf = [_program("patchelf"), change, value, str(copy)]
        subprocess.run(patchelf, check=True)  # noqa: S603
        return copy.read_bytes()


def _tar(files: Mapping[str, bytes]) -> io.BytesIO:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o644
            tar.addfile(member, io.BytesIO(content))
    archive.seek(0)
    return archive
