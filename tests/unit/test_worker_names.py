"""Names of workers, by locks on files."""

import subprocess
import sys
from pathlib import Path

import pytest

from coldstart.domain.errors import ConfigurationError
from coldstart.storage.worker_names import WorkerNames

_HOLDER = """
import sys
from pathlib import Path
from coldstart.storage.worker_names import WorkerNames
print(WorkerNames(Path(sys.argv[1])).take(), flush=True)
sys.stdin.read()
"""


def test_no_two_hold_a_name(tmp_path: Path) -> None:
    """Each takes the first name that is free, also within one process."""
    names = WorkerNames(tmp_path / "workers")
    assert [names.take(), WorkerNames(tmp_path / "workers").take(), names.take()] == [
        "worker-0",
        "worker-1",
        "worker-2",
    ]


def test_a_name_is_free_as_soon_as_its_process_is_killed(tmp_path: Path) -> None:
    """Nobody has to tell, and no time has to pass; and while it is looked at nobody can take it."""
    names = WorkerNames(tmp_path)
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", _HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "worker-0\n"
        with names.kept_free("worker-0") as free:
            assert not free
        holder.kill()
        holder.wait()
    with names.kept_free("worker-0") as free:
        assert free
        assert names.take() == "worker-1"
    assert names.take() == "worker-0"


@pytest.mark.parametrize("name", ["local", "../worker-0", "worker-0\n", ""])
def test_a_name_that_was_never_given_is_not_free(tmp_path: Path, name: str) -> None:
    """What another application has put into the database is none of ours, and makes no files."""
    names = WorkerNames(tmp_path)
    with names.kept_free(name) as free:
        assert not free
    assert not list(tmp_path.iterdir())


def test_a_directory_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """The sentence names the file."""
    (tmp_path / "worker-0.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigurationError, match=r"worker-0 cannot be made"):
        WorkerNames(tmp_path).take()
