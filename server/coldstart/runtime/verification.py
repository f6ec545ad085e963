"""That a model's files are the very bytes that the manifest names."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from coldstart.domain.errors import ModelRejected
from coldstart.domain.manifest import Artifact, ModelFile

# Hashing releases the GIL; more threads than this only compete with the other models' loading.
_HASHING_THREADS = 2


def verify_artifact(artifact: Artifact) -> None:
    """Compare every file of an artifact with the manifest: presence, size, sha256. Each file is read once.

    Raises:
        ModelRejected: naming the files that are missing, are not in the manifest, or differ.
    """
    wanted = {file.path: file for file in artifact.files}
    found = _files_below(artifact.path)
    problems = [f"{artifact.path / path} is missing" for path in sorted(wanted.keys() - found)]
    problems += [f"{artifact.path / path} is not in the manifest" for path in sorted(found - wanted.keys())]
    if not problems:
        with ThreadPoolExecutor(_HASHING_THREADS, thread_name_prefix="verify") as pool:
            # The largest first, so that no thread is left with it at the end.
            files = sorted(artifact.files, key=lambda file: -file.size)
            problems = [p for p in pool.map(lambda file: _problem_of(artifact.path, file), files) if p]
    if problems:
        raise ModelRejected("; ".join(problems))


def _files_below(directory: Path) -> set[str]:
    """Paths relative to `directory` of all files; a link to a directory counts as a file, for it is not followed."""
    found: set[str] = set()
    for folder, folders, files in os.walk(directory):
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        found |= {(Path(folder) / name).relative_to(directory).as_posix() for name in (*files, *links)}
    return found


def _problem_of(directory: Path, file: ModelFile) -> str | None:
    path = directory / file.path
    try:
        size = path.stat().st_size
        if size != file.size:
            return f"{path} has {size} bytes, the manifest says {file.size}"
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}"
    if digest != file.sha256:
        return f"{path} has sha256 {digest}, the manifest says {file.sha256}"
    return None
