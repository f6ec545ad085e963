"""Where an image can go, by skopeo's names of transports."""

import contextlib
import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

from . import docker_archive, oci_directory, registry
from .docker_daemon import DockerDaemon, load_into_daemon
from .errors import LayersError
from .model import Image
from .podman import load_into_podman
from .progress import Progress

TRANSPORTS = (
    "docker-daemon:NAME:TAG",
    "containers-storage:NAME:TAG",
    "docker://REGISTRY/NAME:TAG",
    "docker-archive:FILE[:NAME:TAG]",
    "oci:DIRECTORY[:TAG]",
)


def copy(image: Image, name: str, destination: str, *, tls_verify: bool, environ: Mapping[str, str]) -> None:
    """Bring `image` to `destination`, reporting on standard error.

    Args:
        image: what to copy.
        name: NAME:TAG, for destinations that do not name the image themselves.
        destination: one of TRANSPORTS.
        tls_verify: of registries; see `registry_client`.
        environ: the process's environment: where daemons, logins and proxies are.

    Raises:
        LayersError: the destination is not understood, or the copy failed; nothing half-written is left.
    """
    transport, _, rest = destination.partition(":")
    progress = Progress(image.layers)
    match transport:
        case "docker-daemon" if rest:
            with contextlib.closing(DockerDaemon(environ)) as daemon:
                load_into_daemon(image, rest, daemon, progress)
        case "containers-storage" if rest:
            load_into_podman(image, rest, progress)
        case "docker" if rest.startswith("//"):
            registry.push(image, rest.removeprefix("//"), progress, tls_verify=tls_verify, environ=environ)
        case "docker-archive" if rest:
            file, _, own_name = rest.partition(":")
            write_archive(image, Path(file), own_name or name, progress)
        case "oci" if rest:
            directory, _, tag = rest.partition(":")
            oci_directory.write(image, Path(directory), tag or name.rpartition(":")[2], progress)
        case _:
            raise LayersError(f"The destination is {destination!r}; wanted one of {', '.join(TRANSPORTS)}.")


def write_archive(image: Image, path: Path, name: str, progress: Progress) -> None:
    """Write a docker-archive to a new file, or into a pipe or device that is there.

    Raises:
        LayersError: the file exists, or its directory cannot be written.
    """
    blocks = docker_archive.stream(image, name, range(len(image.layers)), progress.advance)
    if path.exists():
        if stat.S_ISREG(path.stat().st_mode) or path.is_dir():
            raise LayersError(f"{path} exists; wanted the name of a new file.")
        with path.open("wb") as file:
            file.writelines(blocks)
        return
    try:
        partial = tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False)  # noqa: SIM115
    except OSError as error:
        raise LayersError(
            f"{path.parent} cannot be written ({error.strerror}); wanted a directory of yours."
        ) from error
    try:
        with partial:
            partial.writelines(blocks)
        Path(partial.name).chmod(0o644)
        os.replace(partial.name, path)  # noqa: PTH105 - partial.name is text
    except BaseException:
        Path(partial.name).unlink(missing_ok=True)
        raise
