"""Where a model that is to be written down comes from: the Hub, or a directory laid out as its repository."""

import hashlib
import re
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from coldstart_harness.catalogue.download import DownloadFailed, Wanted, download
from coldstart_harness.catalogue.entries import Pin
from coldstart_harness.errors import HarnessError, UsageError

CARD = "README.md"
COMMIT = re.compile(r"[0-9a-f]{40}")
_TIMEOUT_S = 30.0
# What a clone has in the place of a large file that was not fetched.
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"


class NotOnHub(HarnessError):
    """The Hub does not answer, or has no such repository, revision or file."""


class Source(Protocol):
    """A repository at one revision.

    Attributes:
        revision: what an entry writes down.
        files: paths of all its files.
    """

    @property
    def revision(self) -> str: ...

    @property
    def files(self) -> Collection[str]: ...

    def content(self, file: str) -> bytes:
        """A small file, whole."""
        ...

    def pin(self, file: str) -> Pin:
        """What is known of a file."""
        ...


@dataclass(frozen=True)
class DirectorySource:
    """A directory laid out as a repository of the Hub: a clone, a snapshot of its cache, or one made by hand."""

    directory: Path
    revision: str
    known: str

    @property
    def files(self) -> Collection[str]:
        paths = (path for path in self.directory.rglob("*") if path.is_file())
        return [path.relative_to(self.directory).as_posix() for path in paths]

    def content(self, file: str) -> bytes:
        return (self.directory / file).read_bytes()

    def pin(self, file: str) -> Pin:
        path = self.directory / file
        with path.open("rb") as stream:
            if stream.read(len(_LFS_POINTER)) == _LFS_POINTER:
                raise UsageError(f"{path} is Git LFS's pointer to a file, and not the file: run `git lfs pull` there")
            stream.seek(0)
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return Pin(digest, path.stat().st_size, self.known)


class HubSource:
    """A repository as the Hub's API describes it.

    The API states the sha256 of large files, which are stored by it. Small ones are stored by git and have none there:
    they are downloaded, from a mirror where there is one, and must be what the API states of them: a size and git's id.

    Args:
        repository: its name.
        revision: a commit, branch or tag; None: what its main branch is now.
        bases: where files are downloaded from.
        endpoint: where the API is; None: where the Hub's own library looks.

    Raises:
        NotOnHub: the Hub does not answer, or has no such repository or revision.
    """

    def __init__(self, repository: str, revision: str | None, bases: list[str], endpoint: str | None = None) -> None:
        # A quarter of a second to import, which every command of the harness would wait for.
        from httpx2 import HTTPError
        from huggingface_hub import HfApi
        from huggingface_hub.errors import HfHubHTTPError

        self._repository = repository
        self._bases = bases
        try:
            # No credentials of this machine are used: what is pinned must be there for everybody who builds.
            info = HfApi(endpoint=endpoint, token=False).model_info(
                repository, revision=revision, files_metadata=True, timeout=_TIMEOUT_S
            )
        except HfHubHTTPError as error:
            raise NotOnHub(f"the Hub has no {repository} at {revision or 'its main branch'}: {error}") from None
        except (HTTPError, OSError, ValueError) as error:
            raise NotOnHub(
                f"the Hub does not say what {repository} is ({error}); give a copy of it with --from DIR"
            ) from None
        if info.sha is None:
            raise NotOnHub(f"the Hub names no commit of {repository}")
        self.revision: str = info.sha
        self._siblings = {sibling.rfilename: sibling for sibling in info.siblings or ()}

    @property
    def files(self) -> Collection[str]:
        return list(self._siblings)

    def content(self, file: str) -> bytes:
        stated = self._siblings.get(file)
        if stated is None:
            raise NotOnHub(f"{self._repository} has no {file} at {self.revision}")
        wanted = Wanted(self._repository, self.revision, file, size=stated.size or 0)
        with tempfile.TemporaryDirectory(prefix="coldstart-models-") as scratch:
            target = Path(scratch) / "file"
            try:
                download(wanted, target, self._bases)
            except DownloadFailed as error:
                raise NotOnHub(str(error)) from None
            content = target.read_bytes()
        met = git_id_of(content)
        if stated.lfs is None and met != stated.blob_id:
            raise NotOnHub(
                f"{wanted.name} came with git's id {met}; the Hub states {stated.blob_id}: a mirror is wrong"
            )
        return content

    def pin(self, file: str) -> Pin:
        stored = self._siblings[file].lfs
        if stored is not None:
            return Pin(stored.sha256, stored.size, "stated by the Hub")
        content = self.content(file)
        return Pin(hashlib.sha256(content).hexdigest(), len(content), "computed")


def git_id_of(content: bytes) -> str:
    """The id by which git stores a file: the sha1 of `blob`, its length, and its bytes."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def directory_source(directory: Path, revision: str | None, *, known: str) -> DirectorySource:
    """A directory at the revision that a person names, or that its own name is, as in the Hub's cache.

    Raises:
        UsageError: there is no such directory, or nothing says which revision it is.
    """
    if not directory.is_dir():
        raise UsageError(f"{directory} is not a directory")
    named = directory.resolve().name
    if revision is None and not COMMIT.fullmatch(named):
        raise UsageError(f"{directory} does not say which commit it is: give it, as hf:REPO@REV or NAME@REV")
    return DirectorySource(directory, revision or named, known)


def pins_of(source: Source, files: Collection[str]) -> Mapping[str, Pin]:
    """The pins of some files."""
    return {file: source.pin(file) for file in files}
