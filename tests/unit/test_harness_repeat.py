"""Proof `repeat`, against a Nix that is only played: what is chosen, what is found, what is left behind."""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from coldstart_harness.derivations import read_derivation, store_paths
from coldstart_harness.errors import BuildFailed
from coldstart_harness.proofs.proof import Effort, Trial
from coldstart_harness.proofs.repeat import PROOF
from coldstart_harness.proofs.repeat.difference import difference_of
from coldstart_harness.proofs.result import ProofResult
from coldstart_harness.slo.document import Image

# A play of Nix: a derivation's builder writes its `content`, and a count of builds where it says {count}.
NIX = """#!{python} -B
import json, os, pathlib, sys

root = pathlib.Path(__file__).parents[1]
words, state = sys.argv[1:], json.loads((root / "state.json").read_text())
paths = [word for word in words if word.startswith("/")]
outputs = {{path: drv["out"] for path, drv in state.items()}}


def built(path):
    count = root / "count"
    count.write_text(str(int(count.read_text() if count.exists() else "0") + 1))
    return state[path]["content"].format(count=count.read_text())


def check(path):
    if "fails" in state[path]:
        sys.exit(f"error: builder for '{{path}}' failed with exit code 1")
    out, again = pathlib.Path(outputs[path]), built(path)
    if again == out.read_text():
        return 0
    out.with_name(out.name + ".check").write_text(again)
    kept = root / "kept-build"
    kept.mkdir(exist_ok=True)
    print(f"note: keeping build directory '{{kept}}'", file=sys.stderr)
    print(f"error: output '{{out}}' differs from '{{out}}.check'", file=sys.stderr)
    return 104


def realise(last):
    for path in list(state)[: list(state).index(last) + 1]:
        if not os.path.exists(outputs[path]):
            pathlib.Path(outputs[path]).write_text(built(path))
    return 0


with (root / "calls").open("a") as calls:
    print(" ".join(words), file=calls)
if words[:2] == ["path-info", "--derivation"]:
    print(list(state)[-1])
elif words[:2] == ["path-info", "--json"]:
    told = [(drv["out"], drv.get("built_here", True)) for drv in state.values() if drv["out"] in paths]
    print(json.dumps([{{"path": p, "narHash": pathlib.Path(p).read_text(), "ultimate": u}} for p, u in told]))
elif "--requisites" in words:
    print("\\n".join(state))
elif "--print-invalid" in words:
    print("\\n".join(path for path in paths if not os.path.exists(path)))
elif "--realise" in words:
    sys.exit(max([check(path) if "--check" in words else realise(path) for path in paths]))
elif "--print-dead" in words:
    print("\\n".join(drv["out"] for drv in state.values() if "held" not in drv))
elif "--referrers" in words:
    print("\\n".join(state[p]["out"] for p in state if paths[0] in state[p].get("refers", [])))
elif "--delete" in words:
    for path in paths:
        os.unlink(path)
elif "--read-log" in words:
    print("the last line of the log")
"""


class Play:
    """A store of derivations, each after those that it needs."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.state: dict[str, dict[str, object]] = {}
        (root / "bin").mkdir()
        for program in ("nix", "nix-store"):
            path = root / "bin" / program
            path.write_text(NIX.format(python=sys.executable))
            path.chmod(0o755)

    def derivation(self, name: str, content: str = "the same", *, fetched: str = "", **more: object) -> Path:
        """Where its output is to be; `content` may name {count}, which is another number in each build."""
        out = self.root / name
        drv = self.root / f"{name}.drv"
        drv.write_text(f'Derive([("out","{out}","{"sha256" if fetched else ""}","{fetched}")],[],[],"","",[],[])')
        self.state[str(drv)] = {"out": str(out), "content": content, **more}
        return out

    def prove(self, installable: str | None = ".#image") -> ProofResult:
        (self.root / "state.json").write_text(json.dumps(self.state))
        return PROOF.run(replace(TRIAL, installable=installable))

    @property
    def calls(self) -> list[str]:
        return (self.root / "calls").read_text().splitlines()


TRIAL = Trial(None, "image", Image(), {}, None, Effort(), lambda _line: None, Path())  # type: ignore[arg-type]


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("COLDSTART_INPUTS", raising=False)
    monkeypatch.chdir(tmp_path)
    return Play(tmp_path)


def outcomes(result: ProofResult) -> dict[str, str]:
    return {verdict.id: verdict.outcome for verdict in result.verdicts}


def test_what_repeats_is_built_under_both_settings_and_after_deletion(play: Play) -> None:
    """Three times in all, besides what the store had."""
    play.derivation("layer")
    play.derivation("image")
    result = play.prove()
    assert outcomes(result) == {"builds-repeat": "kept", "digests-agree": "kept"}
    assert result.verdicts[0].met == "2 of 2 store paths"
    checks = [call for call in play.calls if "--check " in call]
    assert ["sandbox true" in call for call in checks] == [True, False]
    assert ["sandbox false" in call for call in checks] == [False, True]
    deleted = next(call for call in play.calls if "--delete" in call)
    assert {Path(word).name for word in deleted.split()[1:]} == {"layer", "image"}
    assert any("2 of 2 store paths were deleted" in note for note in result.notes)


def test_the_first_store_path_that_differs_is_named_and_shown(play: Play) -> None:
    """In the order of builds: what comes after it may differ because of it."""
    play.derivation("stable")
    first = play.derivation("layer", "packed at {count}\nweights\n")
    last = play.derivation("image", "made at {count}")
    result = play.prove()
    assert outcomes(result) == {"builds-repeat": "broken", "digests-agree": "broken"}
    lines = result.verdicts[0].detail.splitlines()
    assert lines[0] == f"the first store path that differs is {first}, built again under sandbox = true:"
    assert [line[:10] for line in lines if line.startswith(("-packed", "+packed"))] == ["-packed at", "+packed at"]
    assert lines[-1] == f"{last} differs too"
    assert result.verdicts[0].met == "1 of 3 store paths"
    assert f"{first} came back as" in result.verdicts[1].detail


def test_nothing_of_the_comparison_is_left_behind(play: Play) -> None:
    """Neither the build that differs nor the directory that it was built in."""
    play.derivation("image", "{count}")
    play.prove()
    assert not (play.root / "image.check").exists()
    assert not (play.root / "kept-build").exists()


def test_downloads_and_what_others_built_are_left_out(play: Play) -> None:
    """And counted: whoever reads knows what was not looked at."""
    play.derivation("wheel", "{count}", fetched="abc")
    play.derivation("compiler", "{count}", built_here=False)
    play.derivation("image")
    result = play.prove()
    assert outcomes(result) == {"builds-repeat": "kept", "digests-agree": "kept"}
    assert result.verdicts[0].met == "1 of 1 store paths"
    assert any("1 downloads" in note and "1 that were not built here" in note for note in result.notes)


def test_what_something_else_refers_to_stays(play: Play) -> None:
    """An output that is held alive, or that one held alive refers to, is not deleted."""
    layer = play.derivation("layer")
    play.derivation("image", refers=[str(layer)], held=True)
    result = play.prove()
    assert outcomes(result) == {"builds-repeat": "kept", "digests-agree": "kept"}
    assert not any("--delete" in call for call in play.calls)
    assert "held alive" in result.verdicts[1].met


def test_a_held_image_of_parts_that_differ_shows_nothing_of_its_digest(play: Play) -> None:
    """It cannot be built anew, and its parts say that it might be another one."""
    play.derivation("image", "{count}", held=True)
    assert outcomes(play.prove()) == {"builds-repeat": "broken", "digests-agree": "not shown"}


def test_a_derivation_that_does_not_build_again_breaks_both(play: Play) -> None:
    """With its name and the end of its log."""
    play.derivation("image", fails=True)
    result = play.prove()
    assert outcomes(result) == {"builds-repeat": "broken", "digests-agree": "broken"}
    assert "under sandbox = true" in result.verdicts[0].detail


def test_without_an_installable_or_without_nix_nothing_is_shown(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with its reason; neither is a failure."""
    play.derivation("image")
    assert set(outcomes(play.prove(None)).values()) == {"not shown"}
    monkeypatch.setenv("PATH", str(play.root))
    result = play.prove()
    assert set(outcomes(result).values()) == {"not shown"}
    assert "not on the PATH" in result.verdicts[0].detail


def test_a_checkouts_own_wrapper_is_asked_for_its_inputs(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """It knows what `.` stands for on a machine without the genuine inputs."""
    play.derivation("image")
    wrapper = play.root / "nixw"
    wrapper.write_text(f'#!{sys.executable} -B\nimport sys\nprint("{play.root}/image.drv")\nopen("asked", "w")\n')
    wrapper.chmod(0o755)
    play.prove()
    assert not (play.root / "asked").exists()
    monkeypatch.setenv("COLDSTART_INPUTS", "offline")
    play.prove()
    assert (play.root / "asked").exists()


@pytest.mark.parametrize(
    ("term", "outputs", "is_download"),
    [
        ('Derive([("out","/nix/store/a-x","","")],[("/nix/store/b.drv",["out"])],[],"","",[],[])', ["a-x"], False),
        ('Derive([("dev","/nix/store/a-x-dev","",""),("out","/nix/store/b-x","","")],[],', ["a-x-dev", "b-x"], False),
        ('Derive([("out","/nix/store/c-x.whl","sha256","0f")],[],[],"","",[],[])', ["c-x.whl"], True),
        ('DrvWithVersion("xp-dyn-drv",[("out","/nix/store/d-x","","")],[],[])', ["d-x"], False),
        ('Derive([("out","","r:sha256","")],[],[],"","",[],[])', [], False),
    ],
)
def test_a_derivation_says_what_it_makes(term: str, outputs: list[str], is_download: bool, tmp_path: Path) -> None:
    """Its outputs, and whether a hash fixes them; a path that only its content will name is left out."""
    path = tmp_path / "x.drv"
    path.write_text(term)
    derivation = read_derivation(path)
    assert [output.name for output in derivation.outputs] == outputs
    assert derivation.is_download is is_download


def test_what_is_no_derivation_is_refused(tmp_path: Path) -> None:
    """By its name."""
    path = tmp_path / "x.drv"
    path.write_text("[]")
    with pytest.raises(BuildFailed, match=r"x\.drv is not a derivation"):
        read_derivation(path)


@pytest.mark.parametrize(
    "form",
    [
        lambda path, info: [{"path": str(path), **info}, {"path": "/nix/store/b", "valid": False}],
        lambda path, info: {str(path): info, "/nix/store/b": None},
        lambda path, info: {"info": {path.name: info, "b": None}, "version": 2},
    ],
)
def test_every_nix_says_what_it_knows_in_another_form(
    form: Callable[[Path, dict[str, object]], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list, a table by path, a table by name: the same facts."""
    path = Path("/nix/store/a")
    program = tmp_path / "nix"
    document = json.dumps(form(path, {"narHash": "sha256-x", "ultimate": True}))
    program.write_text(f"#!{sys.executable} -B\nprint({document!r})\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    told = store_paths([path, Path("/nix/store/b")])
    assert {key: (value.digest, value.built_here) for key, value in told.items()} == {path: ("sha256-x", True)}


def trees(tmp_path: Path, first: dict[str, bytes], second: dict[str, bytes]) -> tuple[Path, Path]:
    roots = tmp_path / "first", tmp_path / "second"
    for root, files in zip(roots, (first, second), strict=True):
        for name, content in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content)
    return roots


def test_equal_trees_differ_in_nothing(tmp_path: Path) -> None:
    """Times of files do not count; Nix does not keep them."""
    assert difference_of(*trees(tmp_path, {"a/b": b"x"}, {"a/b": b"x"})) == ""


def test_texts_are_shown_as_a_diff(tmp_path: Path) -> None:
    """With the names of all that differs before it."""
    shown = difference_of(*trees(tmp_path, {"a": b"1\n2\n", "b": b"x"}, {"a": b"1\n3\n", "b": b"y"}))
    assert shown.splitlines() == [
        "a, b differ; a: ",
        "--- first build",
        "+++ second build",
        "@@ -1,2 +1,2 @@",
        " 1",
        "-2",
        "+3",
    ]


def test_bytes_are_shown_around_the_first_that_differs(tmp_path: Path) -> None:
    """With its offset, however far into the file."""
    same = b"\xff" * 2_000_000
    shown = difference_of(*trees(tmp_path, {"a": same + b"abc"}, {"a": same + b"abd"}))
    assert shown.startswith("a differs; a: at byte 2000002: b'\\xff")
    assert "abc' in the first build" in shown
    assert "abd' in the second" in shown


def test_a_shorter_file_differs_where_it_ends(tmp_path: Path) -> None:
    """Its beginning may be the same."""
    assert "at byte 3:" in difference_of(*trees(tmp_path, {"a": b"\xff\xff\xff"}, {"a": b"\xff\xff\xff\xff"}))


def test_missing_files_links_and_modes_are_differences(tmp_path: Path) -> None:
    """All that a NAR holds."""
    first, second = trees(tmp_path, {"a": b"", "run": b"", "x": b""}, {"run": b"", "x": b""})
    (first / "link").symlink_to("x")
    (second / "link").symlink_to("run")
    (first / "run").chmod(0o755)
    shown = difference_of(first, second)
    assert shown == "a, link, run differ; a: a file in the first build, missing in the second"
    (second / "a").touch()
    assert "a link to x in the first build, to run in the second" in difference_of(first, second)
    (second / "link").unlink()
    (second / "link").symlink_to("x")
    assert "an executable file in the first build, a file in the second" in difference_of(first, second)
