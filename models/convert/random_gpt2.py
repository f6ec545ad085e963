"""A GPT-2 of random weights in the Hugging Face layout: the size and speed of the real one, but no sense.

For figures where the real weights cannot be had. Numpy's generator is seeded, so a seed gives the same bytes.
"""

import json
from itertools import product
from pathlib import Path
from string import ascii_lowercase, ascii_uppercase

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

CONTEXT_LENGTH = 1024
WIDTH, LAYERS, HEADS = 768, 12, 12  # GPT-2 "small", 124 million parameters
BYTES, MERGES = 256, 50_000
END_OF_TEXT = "<|endoftext|>"
VOCABULARY_SIZE = BYTES + MERGES + 1
_INITIAL_DEVIATION = 0.02  # GPT-2's own initialisation
_SPACE = "Ġ"  # how byte-level BPE writes a space


def write_random_gpt2(out: Path, seed: int) -> None:
    """Write config.json, model.safetensors (float32, 498 MB) and tokenizer.json."""
    out.mkdir(parents=True, exist_ok=True)
    config = {
        "model_type": "gpt2",
        "architectures": ["GPT2LMHeadModel"],
        "activation_function": "gelu_new",
        "vocab_size": VOCABULARY_SIZE,
        "n_positions": CONTEXT_LENGTH,
        "n_embd": WIDTH,
        "n_layer": LAYERS,
        "n_head": HEADS,
        "layer_norm_epsilon": 1e-5,
        "bos_token_id": VOCABULARY_SIZE - 1,
        "eos_token_id": VOCABULARY_SIZE - 1,
    }
    (out / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    save_file(_weights(np.random.default_rng(seed)), out / "model.safetensors", metadata={"format": "pt"})
    (out / "model.safetensors").chmod(0o644)  # the writer leaves it to its owner only
    _tokenizer().save(str(out / "tokenizer.json"), pretty=False)  # as long as GPT-2's, which start-up feels


def _weights(rng: np.random.Generator) -> dict[str, NDArray[np.float32]]:
    def normal(*shape: int, deviation: float = _INITIAL_DEVIATION) -> NDArray[np.float32]:
        return rng.standard_normal(shape, dtype=np.float32) * np.float32(deviation)

    def norm(name: str) -> dict[str, NDArray[np.float32]]:
        return {f"{name}.weight": np.ones(WIDTH, np.float32), f"{name}.bias": np.zeros(WIDTH, np.float32)}

    weights = {"wte.weight": normal(VOCABULARY_SIZE, WIDTH), "wpe.weight": normal(CONTEXT_LENGTH, WIDTH)}
    into_residual = _INITIAL_DEVIATION / (2 * LAYERS) ** 0.5
    for layer in range(LAYERS):
        block = f"h.{layer}"
        weights |= norm(f"{block}.ln_1") | norm(f"{block}.ln_2")
        for name, inputs, outputs, deviation in (
            ("attn.c_attn", WIDTH, 3 * WIDTH, _INITIAL_DEVIATION),
            ("attn.c_proj", WIDTH, WIDTH, into_residual),
            ("mlp.c_fc", WIDTH, 4 * WIDTH, _INITIAL_DEVIATION),
            ("mlp.c_proj", 4 * WIDTH, WIDTH, into_residual),
        ):
            weights[f"{block}.{name}.weight"] = normal(inputs, outputs, deviation=deviation)
            weights[f"{block}.{name}.bias"] = np.zeros(outputs, np.float32)
    return weights | norm("ln_f")


def _tokenizer() -> Tokenizer:
    """Byte-level BPE whose merges join letters, with and without a space before them, up to the vocabulary's size."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = letter_merges()[:MERGES]
    tokens = [*alphabet, *(left + right for left, right in merges), END_OF_TEXT]
    tokenizer = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([END_OF_TEXT])
    return tokenizer


def letter_merges() -> list[tuple[str, str]]:
    """54,808 merges of a byte-level BPE: pairs and triples of letters, each after the shorter ones it is made of."""
    small, large = ascii_lowercase, ascii_uppercase
    pairs = [a + b for a, b in product(small, small)]
    merges = [(_SPACE, letter) for letter in small + large]
    merges += product(small, small)
    merges += ((_SPACE + pair[0], pair[1]) for pair in pairs)
    merges += product(large, small)
    merges += product(pairs, small)
    merges += ((_SPACE + pair, letter) for pair, letter in product(pairs, small))
    merges += ((a + b, c) for a, b, c in product(large, small, small))
    return merges
