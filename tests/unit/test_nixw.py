"""nixw's own part: which inputs, reference and arguments reach nix. git, nix and the fetch step are doubles."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

NIXW = Path(__file__).resolve().parents[2] / "nixw"
TOOLS = ("bash", "cat", "chmod", "dirname", "grep", "mktemp", "readlink", "sed", "stat", "tail")

DOUBLES = {
    "git": """
case "$*" in
  *--is-shallow-repository) echo "${SHALLOW:-false}" ;;
  *-git-dir) if [ -z "${NO_GIT:-}" ]; then echo .git; else echo 'fatal: not a git repository' >&2; exit 128; fi ;;
  *"stash create") echo "${STASH:-}" ;;
  *"rev-parse HEAD") echo head0 ;;
esac""",
    "nix": """printf '%s\\n' "$@" >"$RECORD"; printf '%s' "$NIX_CONFIG" >"$RECORD.config" """,
    "id": "echo 1000",
    "python3": f"""case "$*" in *"-m fetch"*) echo "$*" >"$RECORD.fetch" ;; *) exec {sys.executable} "$@" ;; esac""",
    "pip3": "",
}


@dataclass(frozen=True)
class Checkout:
    """A folder with nixw in it, and programs that write down how they are called."""

    top: Path
    programs: Path
    record: Path

    def run(self, *arguments: str, inputs: str = "genuine", where: str = "", **environ: str) -> str:
        """Call nixw; return its stderr with the exit status in front."""
        environment = {
            "PATH": str(self.programs),
            "HOME": str(self.record.parent),
            "RECORD": str(self.record),
            "COLDSTART_INPUTS": inputs,
            **environ,
        }
        done = subprocess.run(  # noqa: S603
            [str(self.programs / "bash"), str(self.top / "nixw"), *arguments],
            cwd=self.top / where,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return f"{done.returncode} {done.stderr}"

    def nix_arguments(self, *arguments: str, inputs: str = "genuine", where: str = "", **environ: str) -> list[str]:
        """Call nixw; return what nix was called with, the plain reference of the checkout shortened to TOP."""
        said = self.run(*arguments, inputs=inputs, where=where, **environ)
        assert said.startswith("0 "), said
        return self.record.read_text().replace(f"git+file://{self.top}", "TOP").splitlines()


def make_checkout(tmp_path: Path, name: str) -> Checkout:
    top, programs = tmp_path / name, tmp_path / "programs"
    (top / "server" / "deep").mkdir(parents=True)
    programs.mkdir()
    shutil.copy(NIXW, top / "nixw")
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found, tool
        # A program of busybox must keep its name, so a link to the link, not to what it leads to.
        (programs / tool).symlink_to(found)
    for program, text in DOUBLES.items():
        (programs / program).write_text(f"#!{shutil.which('bash')}\n{text}\n")
        (programs / program).chmod(0o755)
    return Checkout(top, programs, tmp_path / "record")


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return make_checkout(tmp_path, "plain")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["build", ".#image"], ["build", "TOP#image"]),
        (["build", "."], ["build", "TOP"]),
        (["build"], ["build", "TOP"]),
        (["build", "-L"], ["build", "TOP", "-L"]),
        (["build", "-o", ".", ".#a", ".#b"], ["build", "-o", ".", "TOP#a", "TOP#b"]),
        (["build", "--option", "cores", ".", ".#a"], ["build", "--option", "cores", ".", "TOP#a"]),
        (["build", "other#x"], ["build", "other#x"]),
        (["run", ".#up", "--", ".#x", "."], ["run", "TOP#up", "--", ".#x", "."]),
        (["run", ".#up", ".#x"], ["run", "TOP#up", ".#x"]),
        (["run", "--", "."], ["run", "TOP", "--", "."]),
        (["develop", "-c", "ls", "."], ["develop", "TOP", "-c", "ls", "."]),
        (["shell", ".#a", "--command", "ls", "."], ["shell", "TOP#a", "--command", "ls", "."]),
        (["flake", "check"], ["flake", "check", "TOP"]),
        (["flake", "check", ".", "-L"], ["flake", "check", "TOP", "-L"]),
        (["eval", "--expr", "1 + 1"], ["eval", "--expr", "1 + 1"]),
        (["store", "gc"], ["store", "gc"]),
    ],
)
def test_references_are_rewritten(checkout: Checkout, given: list[str], expected: list[str]) -> None:
    """`.` and `.#x` become the checkout's reference; options' values and a program's arguments stay as they are."""
    assert checkout.nix_arguments(*given) == expected


def test_offline_flake_stands_for_the_checkout(checkout: Checkout) -> None:
    """With offline inputs the flake of nix/offline is meant, from any folder, and the pins are fetched first."""
    assert checkout.nix_arguments("run", ".#up", inputs="offline", where="server/deep") == [
        "run",
        "TOP?dir=nix/offline#up",
    ]
    assert checkout.record.with_name("record.fetch").exists()


def test_genuine_inputs_need_no_fetch(checkout: Checkout) -> None:
    """With the genuine inputs Nix itself fetches."""
    checkout.nix_arguments("build", ".#image")
    assert not checkout.record.with_name("record.fetch").exists()


def test_fetch_only_fetches(checkout: Checkout) -> None:
    """`nixw fetch` brings the pins, and those of images that are named, and does not go on to nix."""
    assert checkout.run("fetch", "image-a") == "0 "
    assert " --verbose image-a " in checkout.record.with_name("record.fetch").read_text()
    assert not checkout.record.exists()


def test_odd_path_is_encoded(tmp_path: Path) -> None:
    """A path with a space is percent-encoded, and the changes in the checkout come as a commit of their own."""
    checkout = make_checkout(tmp_path, "odd path")
    encoded = f"git+file://{tmp_path}/odd%20path?ref=refs/nixw/tree&rev="
    assert checkout.nix_arguments("build", ".#a") == ["build", f"{encoded}head0#a"]
    assert checkout.nix_arguments("build", ".#a", STASH="stash0") == ["build", f"{encoded}stash0#a"]


def test_shallow_clone_is_told(checkout: Checkout) -> None:
    """Nix refuses a shallow clone unless the reference says that it is one."""
    assert checkout.nix_arguments("build", inputs="offline", SHALLOW="true") == [
        "build",
        "TOP?dir=nix/offline&shallow=1",
    ]


def test_own_settings_win(checkout: Checkout) -> None:
    """NIX_CONFIG of the caller comes after nixw's settings, and flakes are enabled whatever it says."""
    checkout.nix_arguments("build", inputs="offline", NIX_CONFIG="sandbox = false")
    lines = checkout.record.with_name("record.config").read_text().splitlines()
    assert lines.index("sandbox = true") < lines.index("sandbox = false")
    assert lines[-1] == "extra-experimental-features = nix-command flakes"


def test_unknown_inputs_are_refused(checkout: Checkout) -> None:
    """Another word than offline or genuine is refused with the words there are."""
    assert checkout.run("build", inputs="online").startswith("2 nixw: COLDSTART_INPUTS is 'online'; allowed: offline")


def test_without_git_checkout_it_says_so(checkout: Checkout) -> None:
    """Outside a git checkout one sentence says what is missing."""
    assert checkout.run("build", NO_GIT="1") == (
        f"1 nixw: {checkout.top} is not a git checkout, which Nix needs to see its files: fatal: not a git repository\n"
    )


@pytest.mark.skipif(os.path.lexists("/nix/var/nix/profiles/default/bin/nix"), reason="nixw finds this machine's Nix")
def test_without_nix_it_prints_the_one_command(checkout: Checkout) -> None:
    """Where nixw may not install Nix, it prints the command that does and stops."""
    (checkout.programs / "nix").unlink()
    said = checkout.run("build")
    assert said.startswith("127 nixw: missing: nix-bin. Run this and come back: ")
    assert said.count("\n") == 1
