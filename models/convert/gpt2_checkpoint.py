"""Reading a GPT-2 in the Hugging Face layout."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

Weights = dict[str, NDArray[np.float32]]

# What the graph computes; a configuration that says otherwise is another architecture.
_FIXED = {
    "model_type": "gpt2",
    "activation_function": "gelu_new",
    "scale_attn_weights": True,
    "scale_attn_by_inverse_layer_idx": False,
    "add_cross_attention": False,
    "tie_word_embeddings": True,
}


class UnsupportedCheckpoint(ValueError):
    """The directory does not hold a GPT-2 that this conversion understands; the message says what was met."""


@dataclass(frozen=True, slots=True)
class Gpt2Checkpoint:
    """A GPT-2's sizes and weights.

    Args:
        vocabulary_size, context_length, width, layers, heads: sizes; `width` is a multiple of `heads`.
        epsilon: of the layer normalisations.
        end_of_text_id: None where the configuration names none.
        weights: names without the `transformer.` prefix; linear weights have shape (inputs, outputs).
    """

    vocabulary_size: int
    context_length: int
    width: int
    layers: int
    heads: int
    epsilon: float
    end_of_text_id: int | None
    weights: Weights


def read_checkpoint(source: Path) -> Gpt2Checkpoint:
    """Read config.json and model.safetensors.

    Raises:
        UnsupportedCheckpoint: another architecture, or a weight is missing or has another shape.
    """
    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    for key, wanted in _FIXED.items():
        if config.get(key, wanted) != wanted:
            raise UnsupportedCheckpoint(
                f"{source}/config.json has {key} {config[key]!r}; only {wanted!r} is understood"
            )
    checkpoint = Gpt2Checkpoint(
        vocabulary_size=config["vocab_size"],
        context_length=config.get("n_positions", config.get("n_ctx")),
        width=config["n_embd"],
        layers=config["n_layer"],
        heads=config["n_head"],
        epsilon=config["layer_norm_epsilon"],
        end_of_text_id=config.get("eos_token_id"),
        weights=_read_weights(source / "model.safetensors"),
    )
    for name, shape in _shapes(checkpoint, config.get("n_inner") or 4 * checkpoint.width).items():
        met = checkpoint.weights[name].shape if name in checkpoint.weights else "no such weight"
        if met != shape:
            raise UnsupportedCheckpoint(f"{source}/model.safetensors has {name}: {met}; wanted {shape}")
    return checkpoint


def _read_weights(path: Path) -> Weights:
    return {name.removeprefix("transformer."): value.astype(np.float32) for name, value in load_file(path).items()}


def _shapes(checkpoint: Gpt2Checkpoint, inner: int) -> dict[str, tuple[int, ...]]:
    width = checkpoint.width
    shapes: dict[str, tuple[int, ...]] = {
        "wte.weight": (checkpoint.vocabulary_size, width),
        "wpe.weight": (checkpoint.context_length, width),
        "ln_f.weight": (width,),
        "ln_f.bias": (width,),
    }
    linears = {"attn.c_attn": (width, 3 * width), "attn.c_proj": (width, width)}
    linears |= {"mlp.c_fc": (width, inner), "mlp.c_proj": (inner, width)}
    for layer in range(checkpoint.layers):
        for norm in ("ln_1", "ln_2"):
            shapes[f"h.{layer}.{norm}.weight"] = shapes[f"h.{layer}.{norm}.bias"] = (width,)
        for name, shape in linears.items():
            shapes[f"h.{layer}.{name}.weight"] = shape
            shapes[f"h.{layer}.{name}.bias"] = shape[1:]
    return shapes
