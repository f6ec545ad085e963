"""Conversion of a GPT-2: the same bytes every time, and a sentence for what it does not understand."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from tests.contract.engine_cases import STARTER, Artifacts, convert

from convert.gpt2_checkpoint import UnsupportedCheckpoint, read_checkpoint
from convert.graph_builder import FLOAT, GraphBuilder, quantise_columns

EXPECTED_FILES = ["config.json", "golden.json", "model.onnx", "model.onnx.data", "tokenizer.json"]


def digests(directory: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(directory.iterdir())}


def checkpoint(directory: Path, *, config: dict[str, object] | None = None, prefix: str = "transformer.") -> Path:
    """The starter with its configuration changed and its weights' names prefixed."""
    directory.mkdir()
    document = json.loads((STARTER / "config.json").read_text()) | (config or {})
    (directory / "config.json").write_text(json.dumps(document))
    weights = {name.removeprefix("transformer."): w for name, w in load_file(STARTER / "model.safetensors").items()}
    save_file({prefix + name: w for name, w in weights.items()}, directory / "model.safetensors", {"format": "pt"})
    (directory / "tokenizer.json").write_bytes((STARTER / "tokenizer.json").read_bytes())
    return directory


def test_the_same_model_gives_the_same_bytes(artifacts: Artifacts, tmp_path: Path) -> None:
    """A second conversion, elsewhere and of weights named without the `transformer.` prefix, differs in no byte."""
    again = tmp_path / "somewhere" / "else"
    source = checkpoint(tmp_path / "bare", prefix="")
    for _ in range(2):  # the second time into a directory that is not empty
        convert("gpt2", source, again)
    assert sorted(digests(again)) == EXPECTED_FILES
    assert digests(again) == digests(artifacts.int8)


def test_no_path_of_the_build_is_in_the_artifact(artifacts: Artifacts) -> None:
    """Neither the source's nor the output's directory is written into any file."""
    for path in artifacts.int8.iterdir():
        content = path.read_bytes()
        assert str(artifacts.int8.parent).encode() not in content
        assert str(STARTER.parent).encode() not in content


def test_golden_says_what_the_starter_knows(artifacts: Artifacts) -> None:
    """The golden answer is a mat, with probabilities that fall and the tightest tolerance for int8."""
    golden = json.loads((artifacts.int8 / "golden.json").read_text())
    probabilities = list(golden["probabilities"].values())
    assert golden["prompt"] == "The cat sat on the"
    assert len(golden["token_ids"]) == 5
    assert probabilities == sorted(probabilities, reverse=True)
    assert 0.25 < probabilities[0] < 0.4
    assert 0.9 < sum(probabilities) <= 1
    assert golden["tolerance"] == {"onnxruntime": 0.05, "onnxruntime-cuda": 0.001, "transformers": 0.001}


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"model_type": "llama"}, "model_type 'llama'"),
        ({"activation_function": "relu"}, "activation_function 'relu'"),
        ({"tie_word_embeddings": False}, "tie_word_embeddings False"),
        ({"n_layer": 5}, "h.4.ln_1.weight"),
        ({"n_embd": 64}, "wte.weight"),
    ],
)
def test_another_architecture_is_named(tmp_path: Path, config: dict[str, object], said: str) -> None:
    """A configuration that the graph does not compute is refused with what was met."""
    with pytest.raises(UnsupportedCheckpoint, match=said):
        read_checkpoint(checkpoint(tmp_path / "other", config=config))


def test_columns_are_quantised_each_by_itself() -> None:
    """A column's error is at most half of its own step, also beside a much larger column, and zeros stay."""
    weight = np.random.default_rng(0).normal(size=(64, 3)).astype(np.float32) * np.array([1, 1000, 0], dtype=np.float32)
    quantised, scale = quantise_columns(weight)
    assert quantised.dtype == np.int8
    assert np.abs(quantised).max(axis=0).tolist() == [127, 127, 0]
    assert (np.abs(quantised * scale - weight) <= scale / 2 * 1.001).all()


def test_rows_are_quantised_each_by_itself() -> None:
    """An int8 product is within 2% of float32 in each row, whatever is beside it; a row of zeros gives the bias."""
    rng = np.random.default_rng(0)
    weight, bias = rng.normal(size=(64, 8)).astype(np.float32), rng.normal(size=8).astype(np.float32)
    rows = rng.normal(size=(4, 64)).astype(np.float32) * np.array([[1], [1e4], [1e-4], [0]], dtype=np.float32)
    product = _linear(rows, weight, bias)
    wanted = rows @ weight
    assert np.array_equal(product[3], bias)
    assert (np.abs(product - bias - wanted).max(axis=1) <= 0.02 * np.abs(wanted).max(axis=1) + 1e-6).all()
    alone = np.concatenate([_linear(rows[i : i + 1], weight, bias) for i in range(len(rows))])
    assert np.array_equal(product, alone)


def _linear(x: NDArray[np.float32], weight: NDArray[np.float32], bias: NDArray[np.float32]) -> NDArray[np.float32]:
    import onnxruntime as ort

    graph = GraphBuilder()
    rows = graph.input("x", FLOAT, ["rows", len(weight)])
    graph.output(graph.linear(rows, "weight", weight, bias, "int8"), "y", FLOAT, ["rows", len(bias)])
    session = ort.InferenceSession(graph.model().SerializeToString(), providers=["CPUExecutionProvider"])
    product: NDArray[np.float32] = session.run(["y"], {"x": x})[0]
    return product


@pytest.mark.parametrize(("distance", "tolerance"), [(0.0, 0.05), (0.025, 0.05), (0.026, 0.1), (0.1, 0.2)])
def test_the_tolerance_is_twice_what_int8_costs(distance: float, tolerance: float) -> None:
    """A model is allowed the smallest step that leaves half of it for other machines."""
    from convert.golden import tolerance_for

    assert tolerance_for(distance) == tolerance


@pytest.mark.parametrize("distance", [0.11, 1.0, float("nan")])
def test_a_model_that_does_not_bear_int8_is_refused(distance: float) -> None:
    """Beyond the largest step conversion fails, and says by how much."""
    from convert.golden import TooCoarse, tolerance_for

    with pytest.raises(TooCoarse, match=f"{distance:.4f}"):
        tolerance_for(distance)


@pytest.mark.slow
def test_a_model_of_gpt2s_size_converts_and_answers(tmp_path: Path) -> None:
    """124M random weights come out in under 140 MB, with GPT-2's vocabulary and a tokenizer that keeps any text."""
    from tests.contract.engine_cases import answer, onnxruntime

    convert("random-gpt2", tmp_path / "source", "--seed", "3")
    convert("gpt2", tmp_path / "source", tmp_path / "out")
    assert sum(path.stat().st_size for path in (tmp_path / "out").iterdir()) < 140_000_000
    engine = onnxruntime(tmp_path / "out")
    assert (engine.vocabulary_size, engine.context_length, engine.end_of_text_id) == (50257, 1024, 50256)
    text = "The quick brown fox — 猫, 42!"
    token_ids = engine.tokenizer.encode(text)
    assert engine.tokenizer.decode(token_ids) == text
    assert len(token_ids) < len(text.encode())
    assert np.isfinite(answer(engine, token_ids)).all()
    engine.close()
