"""Layers and images of the offline stand-in: the same tar everywhere, exclusion, permissions, the move to /."""

import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest
from nix.offline.nix2container.layers import tar, tree
from nix.offline.nix2container.layers.build import layer_of, write_image, write_layer
from nix.offline.nix2container.layers.errors import LayersError
from nix.offline.nix2container.layers.model import Image, Rule, StorePath, digest_of, read_image, read_layers
from tests.unit.offline_layers_doubles import make_image, make_layer, write_tree

FILES = {"bin/run": "#!run", "share/text": "text", "lib/link": "-> ../share/text", "share/empty": ""}


def tar_of(*paths: StorePath) -> bytes:
    return b"".join(tar.stream(tree.entries_of(paths)))


def members_of(*paths: StorePath) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(tar_of(*paths))) as archive:
        return {member.name: member for member in archive.getmembers()}


def request_of(graph_names: list[str], **changes: Any) -> dict[str, Any]:
    request: dict[str, Any] = {"graphs": graph_names, "ignore": None, "metadata": {}}
    return request | {"copyToRoot": [], "layers": [], "perms": []} | changes


def write_graph(directory: Path, *paths: Path) -> list[str]:
    """A closure as Nix writes it, in which every path refers to itself and the first one."""
    lines = [line for path in paths for line in (str(path), "", "2", str(paths[0]), str(path))]
    directory.mkdir(exist_ok=True)
    (directory / "graph-0").write_text("\n".join(lines) + "\n")
    return ["graph-0"]


def test_the_tar_does_not_depend_on_what_the_disk_adds(tmp_path: Path) -> None:
    """Other time stamps, modes beyond "executable", order of creation and hard links give the same bytes."""
    path = write_tree(tmp_path / "path", FILES | {"share/twin": "text"})
    before = tar_of(StorePath(str(path)))
    path.rename(tmp_path / "other")
    write_tree(path, dict(reversed((FILES | {"bin/run": "#!run"}).items())))
    os.link(path / "share/text", path / "share/twin")
    for file in (path / "share/text", path / "bin"):
        os.utime(file, (5, 5))
    (path / "share/text").chmod(0o600)
    (path / "bin/run").chmod(0o700)
    (path / "share").chmod(0o700)
    assert tar_of(StorePath(str(path))) == before


def test_tar_readers_find_what_the_store_has(tmp_path: Path) -> None:
    """Python's own reader gets names, kinds, modes, targets and contents back, with times and owners fixed."""
    path = write_tree(tmp_path / "path", FILES)
    base = str(path).strip("/")
    members = members_of(StorePath(str(path)))
    assert list(members) == sorted(members, key=lambda name: name.split("/"))
    assert members[f"{base}/bin/run"].mode == members[f"{base}/bin"].mode == 0o555
    assert members[f"{base}/share/text"].mode == 0o444
    assert members[f"{base}/lib/link"].linkname == "../share/text"
    assert {(member.mtime, member.uid, member.gid, member.uname) for member in members.values()} == {(1, 0, 0, "")}
    with tarfile.open(fileobj=io.BytesIO(tar_of(StorePath(str(path))))) as archive:
        assert archive.extractfile(f"{base}/share/text").read() == b"text"  # type: ignore[union-attr]


def test_directories_above_a_path_are_in_the_tar(tmp_path: Path) -> None:
    """/nix and /nix/store, which belong to no store path, are there with mode 755."""
    path = write_tree(tmp_path / "path", FILES)
    parents = list(Path(str(path).strip("/")).parents)[:-1]
    members = members_of(StorePath(str(path)))
    assert [members[str(parent)].mode for parent in parents] == [0o755] * len(parents)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("d" * 60 + "/" + "f" * 60, id="prefix"),
        pytest.param("f" * 200, id="too-long-for-ustar"),
        pytest.param("ä/ö", id="not-ascii"),
        pytest.param("/".join("d" * 90 for _ in range(4)), id="deep"),
    ],
)
def test_names_of_every_length_come_back(tmp_path: Path, name: str) -> None:
    """A name that fits no ustar field is read back whole, and so is a link to it."""
    path = write_tree(tmp_path / "path", {name: "text", "link": f"-> {name}"})
    members = members_of(StorePath(str(path)))
    assert f"{str(path).strip('/')}/{name}" in members
    assert members[f"{str(path).strip('/')}/link"].linkname == name


def test_the_stream_comes_in_bounded_blocks(tmp_path: Path) -> None:
    """No block is empty or much longer than BLOCK, contents longer than a block included; together they are the tar."""
    path = write_tree(tmp_path / "path", FILES | {"long": "x" * (3 * tar.BLOCK + 7), "block": "x" * tar.BLOCK})
    entries = tree.entries_of([StorePath(str(path))])
    blocks = list(tar.stream(entries))
    assert sum(map(len, blocks)) == tar.digest(entries)[1]
    assert all(0 < len(block) <= tar.BLOCK + len(tar.END) for block in blocks)


def test_sizes_beyond_ustar_have_an_extended_header() -> None:
    """A file of 9 GB is announced with its full size."""
    header = tar.header(tree.Entry("big", b"0", 0o444, size=9_000_000_000))
    with tarfile.open(fileobj=io.BytesIO(header + tar.END)) as archive:
        member = archive.next()
    assert member is not None
    assert member.size == 9_000_000_000


def test_copy_to_root_moves_content_to_the_top(tmp_path: Path) -> None:
    """Two such paths merge, keep no trace of where they came from, and leave the root directory itself alone."""
    one = write_tree(tmp_path / "one", {"etc/passwd": "root"})
    two = write_tree(tmp_path / "two", {"etc/group": "root", "scratch/.keep": ""})
    members = members_of(StorePath(str(one), to_root=True), StorePath(str(two), to_root=True))
    assert list(members) == ["etc", "etc/group", "etc/passwd", "scratch", "scratch/.keep"]


def test_two_sources_of_one_file_must_agree(tmp_path: Path) -> None:
    """The same name with other content is an error that names both; with the same content it is one file."""
    one, same, other = (
        StorePath(str(write_tree(tmp_path / name, {"etc/hosts": text})), to_root=True)
        for name, text in (("one", "a"), ("same", "a"), ("other", "b"))
    )
    assert list(members_of(one, same)) == ["etc", "etc/hosts"]
    with pytest.raises(LayersError, match=r"/etc/hosts comes from .*/one/etc/hosts .* from .*/other/etc/hosts"):
        tree.entries_of([one, other])


def test_permissions_follow_the_regex_on_the_source_path(tmp_path: Path) -> None:
    """The last matching rule gives mode and owner; files that none matches keep what the store says."""
    path = write_tree(tmp_path / "root", {"scratch/a": "a", "scratch/b": "b", "etc/c": "c"})
    rules = (Rule("/scratch", mode="1777", uid=1000, gid=100, uname="me"), Rule("/b$", mode="600"))
    members = members_of(StorePath(str(path), to_root=True, rules=rules[:1]))
    assert (members["scratch"].mode, members["scratch"].uid, members["scratch"].gid, members["scratch"].uname) == (
        0o1777,
        1000,
        100,
        "me",
    )
    members = members_of(StorePath(str(path), to_root=True, rules=(Rule("/root/scratch", mode="1777"), rules[1])))
    assert [members[name].mode for name in ("scratch/a", "scratch/b", "etc/c")] == [0o1777, 0o600, 0o444]


def test_a_path_that_changed_is_noticed(tmp_path: Path) -> None:
    """A tar made again from other bytes, shorter ones or none fails with a sentence instead of going out."""
    layer = make_layer(tmp_path / "path", "text")
    file = tmp_path / "path/file"
    entries = tree.entries_of(layer.paths)
    file.write_text("TEXT")
    with pytest.raises(LayersError, match=r"is now sha256:.* wanted sha256:"):
        list(tar.verified(tar.stream(entries), layer.diff_id, layer.size, "it"))
    file.write_text("t")
    with pytest.raises(LayersError, match="is not 4 bytes long any more"):
        list(tar.stream(entries))
    file.unlink()
    with pytest.raises(LayersError, match=r"file cannot be read \(No such file"):
        list(tar.stream(entries))


def test_a_layer_leaves_out_what_earlier_layers_hold(tmp_path: Path) -> None:
    """Of a closure, the paths of given layers and the ignored one are missing; the rest is described and hashed."""
    paths = [write_tree(tmp_path / name, {"file": name}) for name in ("low", "ignored", "top")]
    write_layer(request_of(write_graph(tmp_path / "g1", paths[0])), tmp_path / "g1", tmp_path / "one")
    request = request_of(
        write_graph(tmp_path / "g2", *paths),
        layers=[str(tmp_path / "one")],
        ignore=str(paths[1]),
        metadata={"created_by": "top"},
    )
    write_layer(request, tmp_path / "g2", tmp_path / "two")
    (layer,) = read_layers([tmp_path / "two/layers.json"])
    assert [path.path for path in layer.paths] == [str(paths[2])]
    assert layer == layer_of([StorePath(str(paths[2]))], {"created_by": "top"})
    assert layer.diff_id == digest_of(tar_of(*layer.paths))
    assert layer.size == len(tar_of(*layer.paths))


def test_a_layer_of_nothing_is_no_layer(tmp_path: Path) -> None:
    """Where earlier layers hold everything, the list of layers is empty."""
    path = write_tree(tmp_path / "path", {"file": "text"})
    graph = write_graph(tmp_path / "g", path)
    write_layer(request_of(graph), tmp_path / "g", tmp_path / "one")
    write_layer(request_of(graph, layers=[str(tmp_path / "one")]), tmp_path / "g", tmp_path / "two")
    assert read_layers([tmp_path / "two/layers.json"]) == []


def test_moved_paths_and_rules_survive_the_json(tmp_path: Path) -> None:
    """What a layer derivation writes is read back equal, so that the tar is made again alike."""
    path = write_tree(tmp_path / "root", {"scratch/.keep": ""})
    perm = {"path": str(path), "regex": "/scratch$", "mode": "1777"}
    request = request_of(write_graph(tmp_path / "g", path), copyToRoot=[str(path)], perms=[perm])
    write_layer(request, tmp_path / "g", tmp_path / "out")
    (layer,) = read_layers([tmp_path / "out/layers.json"])
    assert layer.paths == (StorePath(str(path), to_root=True, rules=(Rule("/scratch$", mode="1777"),)),)
    assert members_of(*layer.paths)["scratch"].mode == 0o1777


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"metadata": {"author": "me", "made_by": "x"}},
            "metadata holds 'made_by'; wanted names among author, comment",
        ),
        ({"perms": [{"path": "/x"}]}, "without regex"),
        ({"perms": [{"path": "/x", "regex": "y", "owner": 1}]}, "perms holds 'owner'"),
        ({"perms": [{"path": "/x", "regex": "("}]}, r"perms has the regex '\('"),
        ({"perms": [{"path": "/x", "regex": "y", "mode": "rwx"}]}, "perms has the mode 'rwx'"),
        ({"perms": [{"path": "/x", "regex": "y", "uid": 1 << 30}]}, "perms has the uid 1073741824"),
    ],
)
def test_arguments_are_checked(tmp_path: Path, changes: dict[str, Any], sentence: str) -> None:
    """A name or value that means nothing is refused with what is allowed, and no output is left."""
    graph = write_graph(tmp_path / "g", write_tree(tmp_path / "path", FILES))
    with pytest.raises(LayersError, match=sentence):
        write_layer(request_of(graph, **changes), tmp_path / "g", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_image_names_its_layers_in_order(tmp_path: Path) -> None:
    """The config's diff ids and history follow the layers, and a layer given twice is there once."""
    for name in ("low", "top"):
        graph = write_graph(tmp_path / f"g-{name}", write_tree(tmp_path / name, {"file": name}))
        metadata = {"created_by": name}
        write_layer(request_of(graph, metadata=metadata), tmp_path / f"g-{name}", tmp_path / f"layer-{name}")
    low, top = (str(tmp_path / f"layer-{name}") for name in ("low", "top"))
    request = {"config": {"User": "1"}, "arch": "arm64", "created": "2025-01-01T00:00:00Z", "layers": [low, top, low]}
    write_image(request, tmp_path / "image.json")
    image = read_image(tmp_path / "image.json")
    config = json.loads(image.config_blob)
    assert [line["created_by"] for line in config["history"]] == ["low", "top"]
    assert config["rootfs"] == {"type": "layers", "diff_ids": list(image.diff_ids)}
    assert (config["architecture"], config["os"], config["created"]) == ("arm64", "linux", "2025-01-01T00:00:00Z")
    assert config["config"] == {"User": "1"}
    assert image.id == digest_of(image.config_blob)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"config": {"Entrypoints": []}}, "config holds 'Entrypoints'"),
        ({"arch": "x86_64"}, "arch is 'x86_64'; wanted one of amd64, arm64"),
        ({"created": "now"}, "created is 'now'"),
    ],
)
def test_image_arguments_are_checked(tmp_path: Path, changes: dict[str, Any], sentence: str) -> None:
    """A config name, architecture or time that means nothing is refused with what is allowed."""
    request: dict[str, Any] = {"config": {}, "arch": "amd64", "created": "0001-01-01T00:00:00Z", "layers": []}
    with pytest.raises(LayersError, match=sentence):
        write_image(request | changes, tmp_path / "image.json")


def test_files_of_another_make_are_refused(tmp_path: Path) -> None:
    """Something that is no image, or one of another version, is refused by its name."""
    path = tmp_path / "image.json"
    path.write_text("[]")
    with pytest.raises(LayersError, match=r"image.json is no image"):
        read_image(path)
    image: Image = make_image()
    path.write_text(json.dumps(image.to_json() | {"version": 7}))
    with pytest.raises(LayersError, match="image version 7; wanted 1"):
        read_image(path)
