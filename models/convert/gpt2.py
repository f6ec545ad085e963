"""From a GPT-2 in the Hugging Face layout to the artifact of the onnxruntime engine."""

import json
import shutil
from pathlib import Path

import onnx

from convert.gpt2_checkpoint import Gpt2Checkpoint, read_checkpoint
from convert.gpt2_graph import build_gpt2_graph
from convert.graph_builder import Precision

SCHEMA_VERSION = 1
_EXTERNAL_FROM_BYTES = 1024  # smaller tensors stay inside model.onnx


def convert_gpt2(source: Path, out: Path, precision: Precision) -> None:
    """Write model.onnx, model.onnx.data, config.json and tokenizer.json; the same bytes for the same source.

    Raises:
        UnsupportedCheckpoint: `source` is not a GPT-2 that this conversion understands.
    """
    checkpoint = read_checkpoint(source)
    out.mkdir(parents=True, exist_ok=True)
    (out / "model.onnx.data").unlink(missing_ok=True)  # the writer would append to it
    onnx.save_model(
        build_gpt2_graph(checkpoint, precision),
        out / "model.onnx",
        save_as_external_data=True,
        location="model.onnx.data",
        size_threshold=_EXTERNAL_FROM_BYTES,
    )
    (out / "model.onnx.data").chmod(0o644)  # the writer leaves it to its owner only
    config = json.dumps(_engine_config(checkpoint, precision), indent=2, sort_keys=True)
    (out / "config.json").write_text(config + "\n", encoding="utf-8")
    shutil.copyfile(source / "tokenizer.json", out / "tokenizer.json")


def _engine_config(checkpoint: Gpt2Checkpoint, precision: Precision) -> dict[str, object]:
    return {
        "schema_version": SCHEMA_VERSION,
        "vocabulary_size": checkpoint.vocabulary_size,
        "context_length": checkpoint.context_length,
        "end_of_text_id": checkpoint.end_of_text_id,
        "layers": checkpoint.layers,
        "heads": checkpoint.heads,
        "head_size": checkpoint.width // checkpoint.heads,
        "weights": precision,
        "cache": "float16" if precision == "int8" else "float32",
    }
