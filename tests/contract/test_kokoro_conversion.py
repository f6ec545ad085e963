"""`convert kokoro`: the published files, checked and laid out for the engine."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import espeakng_loader
import numpy as np
import onnx
import pytest
from tests.contract.engine_cases import convert
from tests.contract.toy_kokoro import TOKENIZER_SHA256, VOICES, tokenizer_sha256, voice_bytes, write_toy_kokoro

from convert.graph_builder import FLOAT, GraphBuilder
from convert.kokoro import convert_kokoro
from convert.kokoro_golden import UnsupportedKokoro

PACKAGES = Path(espeakng_loader.__file__).parents[1]


@pytest.fixture
def published(tmp_path: Path) -> Path:
    write_toy_kokoro(tmp_path / "published")
    return tmp_path / "published"


def test_toy_has_the_published_tokenizer(published: Path) -> None:
    """What is tested here holds for the real symbols and numbers: the file is the same to the byte."""
    assert tokenizer_sha256(published / "tokenizer.json") == TOKENIZER_SHA256


def test_artifact_holds_all_that_the_engine_reads_and_both_licenses(published: Path, tmp_path: Path) -> None:
    """The command writes weights, voices, espeak-ng and a golden sentence of the default voice."""
    out = tmp_path / "out"
    convert("kokoro", published, out, PACKAGES)
    files = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert files >= {"model.onnx", "tokenizer.json", "golden.json", *(f"voices/{name}.bin" for name in VOICES)}
    assert "Apache License" in (out / "LICENSE").read_text(encoding="utf-8")
    assert "GNU GENERAL PUBLIC LICENSE" in (out / "espeak-ng" / "COPYING").read_text(encoding="utf-8")
    golden = json.loads((out / "golden.json").read_text(encoding="utf-8"))
    assert golden["voice"] == "af_heart"
    assert golden["duration_s"] > 1
    assert golden["tolerance"] == {"kokoro": 0.05}


def test_conversion_gives_the_same_bytes_twice(published: Path, tmp_path: Path) -> None:
    """An artifact is a function of its source."""
    convert_kokoro(published, PACKAGES, tmp_path / "one")
    convert_kokoro(published, PACKAGES, tmp_path / "two")
    assert _contents(tmp_path / "one") == _contents(tmp_path / "two")


def _contents(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def _rewrite(path: str, change: Callable[[Any], Any]) -> Callable[[Path], None]:
    def spoil(source: Path) -> None:
        document = json.loads((source / path).read_text(encoding="utf-8"))
        (source / path).write_text(json.dumps(change(document)), encoding="utf-8")

    return spoil


def _other_model(source: Path) -> None:
    graph = GraphBuilder()
    graph.output(graph.input("sound", FLOAT, [1, "samples"]), "waveform", FLOAT, [1, "samples"])
    onnx.save_model(graph.model(), source / "onnx" / "model.onnx")


def _voice(name: str, data: bytes) -> Callable[[Path], None]:
    return lambda source: _write(source / "voices" / f"{name}.bin", data)


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def _no_american(source: Path) -> None:
    for path in (source / "voices").glob("a*.bin"):
        path.unlink()


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (_rewrite("config.json", lambda _: {"model_type": "vits"}), "model_type 'vits'"),
        (_rewrite("config.json", lambda _: []), "no JSON object"),
        (_rewrite("tokenizer.json", lambda _: {}), "no tokenizer"),
        (_rewrite("tokenizer.json", lambda _: {"model": {"vocab": {"$": 0, "ab": 1}}}), "no tokenizer"),
        (_other_model, "takes {'sound'"),
        (_voice("af_bella", voice_bytes(0)[:-4]), "has 522236 bytes"),
        (_voice("af_bella", np.full((510, 256), np.nan, dtype="<f4").tobytes()), "not finite"),
        (_no_american, "American voice"),
        (lambda source: shutil.rmtree(source / "voices"), "American voice"),
    ],
)
def test_other_files_are_refused(published: Path, tmp_path: Path, spoil: Callable[[Path], None], sentence: str) -> None:
    """Each with what was met."""
    spoil(published)
    with pytest.raises(UnsupportedKokoro, match=sentence):
        convert_kokoro(published, PACKAGES, tmp_path / "out")
