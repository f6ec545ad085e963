"""Wheels of the offline stand-in: unpacked to their places, compiled the same way twice, joined to one environment."""

import csv
import importlib.util
import os
import struct
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from nix.offline.poetry2nix.build import install_wheel, join_environment
from nix.offline.poetry2nix.build.install_wheel import WheelError
from nix.offline.poetry2nix.build.join_environment import JoinError

SITE = f"lib/python{sysconfig.get_python_version()}/site-packages"
INFO = "demo-1.0.dist-info"


def make_wheel(directory: Path, members: dict[str, str | bytes], executable: tuple[str, ...] = ()) -> Path:
    """Write a wheel of these members; those in `executable` have the mode of a program."""
    wheel = directory / "demo-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (0o755 if name in executable else 0o644) << 16
            archive.writestr(info, content)
    return wheel


def install(directory: Path, members: dict[str, str | bytes], executable: tuple[str, ...] = ()) -> Path:
    out = directory / "out"
    install_wheel.unpack(make_wheel(directory, members, executable), "demo", out)
    return out


def make_package(root: Path, files: dict[str, str]) -> Path:
    """Write an installed package: paths below `root` and their content."""
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return root


def join(out: Path, *packages: Path) -> Path:
    join_environment.join(
        out, list(packages), interpreter=Path(sys.executable).resolve(), version="3.11.2", site_packages=SITE
    )
    return out


def test_every_member_goes_to_its_place(tmp_path: Path) -> None:
    """Modules go to site-packages, scripts to bin, data to the root, headers to the project's own folder."""
    out = install(
        tmp_path,
        {
            "demo/__init__.py": "",
            "demo-1.0.data/purelib/demo_pure.py": "",
            "demo-1.0.data/platlib/demo_plat.py": "",
            "demo-1.0.data/scripts/demo": "#!python\n",
            "demo-1.0.data/data/share/demo.txt": "",
            "demo-1.0.data/headers/demo.h": "",
        },
    )
    assert sorted(str(file.relative_to(out)) for file in out.rglob("*") if file.is_file()) == sorted(
        [
            f"{SITE}/demo/__init__.py",
            f"{SITE}/demo_pure.py",
            f"{SITE}/demo_plat.py",
            "bin/demo",
            "share/demo.txt",
            f"include/python{sysconfig.get_python_version()}/demo/demo.h",
        ]
    )


def test_record_names_the_places_that_members_have_now(tmp_path: Path) -> None:
    """Every row of RECORD leads from site-packages to a file that is there."""
    record = f"demo.py,,\ndemo-1.0.data/scripts/demo,,\ndemo-1.0.data/data/share/demo.txt,,\n{INFO}/RECORD,,\n"
    out = install(
        tmp_path,
        {
            "demo.py": "",
            "demo-1.0.data/scripts/demo": "#!python\n",
            "demo-1.0.data/data/share/demo.txt": "",
            f"{INFO}/RECORD": record,
        },
    )
    rows = list(csv.reader((out / SITE / INFO / "RECORD").read_text().splitlines()))
    assert len(rows) == 4
    assert all((out / SITE / row[0]).is_file() for row in rows)


def test_programs_stay_executable_and_modules_do_not_become_so(tmp_path: Path) -> None:
    """The wheel's modes decide, but for scripts, which always are programs."""
    out = install(
        tmp_path,
        {"demo/tool": "", "demo/data": "", "demo-1.0.data/scripts/demo": "#!python\n"},
        executable=("demo/tool",),
    )
    executable = {file.name for file in out.rglob("*") if file.is_file() and os.access(file, os.X_OK)}
    assert executable == {"tool", "demo"}


@pytest.mark.parametrize("member", ["../outside.py", "demo/../../outside.py", "/outside.py"])
def test_a_member_that_leads_out_of_the_wheel_is_refused(tmp_path: Path, member: str) -> None:
    """Nothing is written outside the store path."""
    with pytest.raises(WheelError, match="leads out"):
        install(tmp_path, {member: ""})
    assert not list(tmp_path.rglob("outside.py"))


def test_an_unknown_scheme_is_refused(tmp_path: Path) -> None:
    """The message names the scheme and those that there are."""
    with pytest.raises(WheelError, match=r"unknown scheme etc; there are data, headers"):
        install(tmp_path, {"demo-1.0.data/etc/demo.conf": ""})


def elf(*segment_types: int, bits: int = 2) -> bytes:
    """Return the head of an ELF file with these program headers."""
    header = struct.pack("<4sB59x", b"\x7fELF", bits)
    header = (
        header[:32] + struct.pack("<Q", 64) + header[40:54] + struct.pack("<HH", 56, len(segment_types)) + header[58:]
    )
    return header + b"".join(struct.pack("<I52x", segment) for segment in segment_types)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (elf(6, 3, 1), True),
        (elf(1, 2), False),
        (elf(3, bits=1), False),
        (b"#!python\n", False),
        (b"", False),
    ],
)
def test_only_programs_that_name_a_loader_want_one(tmp_path: Path, content: bytes, expected: bool) -> None:
    """A shared library, a script and an empty file have no loader to replace."""
    file = tmp_path / "program"
    file.write_bytes(content)
    assert install_wheel.wants_loader(file) is expected


def test_bytecode_is_trusted_unchecked_and_the_same_twice(tmp_path: Path) -> None:
    """Two compilations give one content, whose flags say that the source need not be looked at."""
    out = install(tmp_path, {"demo.py": "NAMES = {'a', 'b', 'c'}\n", "template.py": "def {{ name }}():\n"})
    module = out / SITE / "demo.py"
    bytecode = Path(importlib.util.cache_from_source(str(module)))
    contents = []
    for _ in range(2):
        install_wheel.compile_modules(out)
        contents.append(bytecode.read_bytes())
    assert contents[0] == contents[1]
    assert struct.unpack("<I", contents[0][4:8])[0] == 0b01


def test_a_directory_of_one_package_is_one_link(tmp_path: Path) -> None:
    """An environment stays small, however many files its packages have."""
    package = make_package(tmp_path / "a", {f"{SITE}/demo/__init__.py": "", f"{SITE}/demo/deep/x.py": ""})
    out = join(tmp_path / "env", package)
    assert (out / SITE / "demo").readlink() == package / SITE / "demo"


def test_a_namespace_holds_the_modules_of_all_its_packages(tmp_path: Path) -> None:
    """zope.event and zope.interface live in one directory."""
    first = make_package(tmp_path / "a", {f"{SITE}/zope/event.py": ""})
    second = make_package(tmp_path / "b", {f"{SITE}/zope/interface.py": ""})
    out = join(tmp_path / "env", first, second)
    assert sorted(file.name for file in (out / SITE / "zope").iterdir()) == ["event.py", "interface.py"]


def test_equal_files_of_two_packages_are_one(tmp_path: Path) -> None:
    """The same empty __init__.py in two wheels is no conflict."""
    packages = [make_package(tmp_path / name, {f"{SITE}/shared/__init__.py": ""}) for name in "ab"]
    assert (join(tmp_path / "env", *packages) / SITE / "shared/__init__.py").read_text() == ""


def test_different_files_of_two_packages_are_refused(tmp_path: Path) -> None:
    """The message names both files."""
    packages = [make_package(tmp_path / name, {f"{SITE}/shared.py": name}) for name in "ab"]
    with pytest.raises(JoinError, match=r"a/.*/shared\.py and .*b/.*/shared\.py"):
        join(tmp_path / "env", *packages)


def test_commands_run_with_the_python_of_the_environment(tmp_path: Path) -> None:
    """A console script finds the packages of its environment, and returns what its function returns."""
    package = make_package(
        tmp_path / "a",
        {
            f"{SITE}/demo.py": "import sys\nclass Tool:\n    def run():\n        print(sys.prefix)\n        return 3\n",
            f"{SITE}/{INFO}/entry_points.txt": "[console_scripts]\ndemo = demo:Tool.run [colour]\n[other]\nx = y:z\n",
        },
    )
    out = join(tmp_path / "env", package)
    done = subprocess.run([out / "bin/demo"], capture_output=True, text=True, check=False)  # noqa: S603
    assert (done.returncode, done.stdout.strip()) == (3, str(out)), done.stderr


def test_scripts_of_a_wheel_get_the_python_of_the_environment(tmp_path: Path) -> None:
    """The placeholder is replaced; a program stays a link to what the wheel has."""
    package = make_package(tmp_path / "a", {"bin/script": "#!python -s\nprint(1)\n", "bin/program": "\x7fELF"})
    out = join(tmp_path / "env", package)
    assert (out / "bin/script").read_text() == f"#!{out}/bin/python\nprint(1)\n"
    assert (out / "bin/program").readlink() == package / "bin/program"


def test_two_commands_of_one_name_are_refused(tmp_path: Path) -> None:
    """The message names the command and both targets."""
    packages = [
        make_package(
            tmp_path / name, {f"{SITE}/{name}-1.dist-info/entry_points.txt": f"[console_scripts]\nrun = {name}:main\n"}
        )
        for name in "ab"
    ]
    with pytest.raises(JoinError, match="command run: a:main or b:main"):
        join(tmp_path / "env", *packages)
