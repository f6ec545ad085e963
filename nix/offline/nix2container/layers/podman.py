"""Load an image into Podman, through `podman load`."""

import subprocess

from . import docker_archive
from .errors import LayersError
from .model import Image
from .progress import Progress, megabytes


def load_into_podman(image: Image, name: str, progress: Progress, program: str = "podman") -> None:
    """Make Podman hold `image` under `name`; nothing is sent if it does so already, everything otherwise.

    Raises:
        LayersError: there is no Podman, or it has refused the image.
    """
    try:
        if _image_id(program, name) == image.id.removeprefix("sha256:"):
            progress.say(f"{name} is there already.")
            return
        size = sum(layer.size for layer in image.layers)
        progress.say(f"Sending all {len(image.layers)} layers of {name} to Podman, {megabytes(size)}.")
        complaint = _load(image, name, progress, program)
    except FileNotFoundError as error:
        raise LayersError(f"The command {program} is not installed; wanted Podman on the PATH.") from error
    if complaint is not None:
        raise LayersError(f"Podman refused {name} ({complaint}); wanted it loaded.")
    progress.say(f"{name} is loaded.")


def _image_id(program: str, name: str) -> str:
    command = [program, "image", "inspect", "--format", "{{.Id}}", name]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603 - no shell


def _load(image: Image, name: str, progress: Progress, program: str) -> str | None:
    """Podman's complaint, or None."""
    with subprocess.Popen(  # noqa: S603 - no shell
        [program, "load", "--quiet"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        stdin, stderr = process.stdin, process.stderr
        if stdin is None or stderr is None:
            raise AssertionError("both were asked to be pipes")
        try:
            for block in docker_archive.stream(image, name, range(len(image.layers)), progress.advance):
                stdin.write(block)
            stdin.close()
        except BrokenPipeError:
            pass  # Podman has said why on its standard error.
        except BaseException:
            process.kill()
            raise
        complaint = stderr.read().decode(errors="replace").strip()
    return None if process.returncode == 0 else complaint.splitlines()[-1] if complaint else "no reason given"
