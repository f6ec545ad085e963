"""A Whisper of random weights in the Hugging Face layout: the size and speed of the real one, but no sense.

For figures where the real weights cannot be had. Numpy's generator is seeded, so a seed gives the same bytes. Of random
weights alone a decoder never comes to an end, and is asked again and again for something likelier; so this one has a
script: the embeddings of its positions point to the tokens that are to come. They do so a little louder than its layers
speak, each of which is computed as in a real one and moves the probabilities.
"""

import json
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from convert.random_gpt2 import letter_merges

Size = Literal["test", "tiny", "base"]
Weights = dict[str, NDArray[np.float32]]

POSITIONS, TARGET_POSITIONS, BANDS = 1500, 448, 80
# After the tokens of text: the end of text, the start, languages, these tasks and 1501 times.
_END_OF_TEXT = "<|endoftext|>"
# In Whisper's order.
_CODES = (
    "en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th ur hr bg lt la mi ml "
    "cy sk te fa lv bn sr az sl kn et mk br eu is hy ne mn bs kk sq sw gl mr pa si km sn yo so af oc ka be tg sd gu am "
    "yi lo uz fo ht ps tk nn mt sa lb my bo tl mg as tt haw ln ha ba jw su"
)
_LANGUAGES = _CODES.split()
_TASKS = ("translate", "transcribe", "startoflm", "startofprev", "nospeech", "notimestamps")
_TICK_S = 0.02
_TICKS = 1501

# How much a token's own direction counts in its logit: enough for about 0.98 among 51865 tokens.
_LOUDNESS = 20.0
# The deviation of what positions say; what all layers add to it has about 2.
_SCRIPT_DEVIATION = 4.0


@dataclass(frozen=True, slots=True)
class _Dimensions:
    """Of the network, and of the text that it writes: `phrases` of `words` words, each `phrase_s` long."""

    width: int
    layers: int
    heads: int
    merges: int
    phrases: int
    words: int
    phrase_s: float


# Source of the real ones: Radford et al. 2022 (arXiv:2212.04356), table 1. Their text has 150 words a minute, as people
# speak, and a token and a third a word, as English has in Whisper's vocabulary: 100 tokens in 30 s.
_DIMENSIONS: dict[Size, _Dimensions] = {
    "test": _Dimensions(width=64, layers=2, heads=2, merges=1404, phrases=2, words=3, phrase_s=0.8),
    "tiny": _Dimensions(width=384, layers=4, heads=6, merges=50_000, phrases=6, words=17, phrase_s=4.9),
    "base": _Dimensions(width=512, layers=6, heads=8, merges=50_000, phrases=6, words=17, phrase_s=4.9),
}


def write_random_whisper(out: Path, size: Size, seed: int, *, english_only: bool = False) -> None:
    """Write config.json, generation_config.json, model.safetensors (float16), tokenizer.json, preprocessor_config.json.

    Args:
        out: directory.
        size: that of the model with this name; `test` is small, for tests.
        seed: of the weights, and of the words that it writes whatever it hears.
        english_only: without languages, as the models whose name ends in `.en`.
    """
    out.mkdir(parents=True, exist_ok=True)
    dimensions = _DIMENSIONS[size]
    tokenizer = _tokenizer(dimensions.merges, english_only)
    rng = np.random.default_rng(seed)
    script = _script(tokenizer, dimensions, rng, english_only)
    weights = {name: weight.astype(np.float16) for name, weight in _weights(dimensions, script, tokenizer, rng).items()}
    save_file(weights, out / "model.safetensors", metadata={"format": "pt"})
    (out / "model.safetensors").chmod(0o644)  # the writer leaves it to its owner only
    tokenizer.save(str(out / "tokenizer.json"), pretty=False)
    _write_json(out / "config.json", _config(tokenizer, dimensions))
    _write_json(out / "generation_config.json", _generation_config(tokenizer, dimensions, english_only))
    _write_json(
        out / "preprocessor_config.json",
        {
            "chunk_length": 30,
            "feature_extractor_type": "WhisperFeatureExtractor",
            "feature_size": BANDS,
            "hop_length": 160,
            "n_fft": 400,
            "sampling_rate": 16_000,
        },
    )


def _tokenizer(merge_count: int, english_only: bool) -> Tokenizer:
    """Byte-level BPE over all bytes and words of letters, then Whisper's special tokens in its order."""
    merges = letter_merges()[:merge_count]
    tokens = [*sorted(pre_tokenizers.ByteLevel.alphabet()), *(left + right for left, right in merges)]
    if not english_only:
        # Where GPT-2's end of text was; CTranslate2 and faster-whisper tell models of many languages by this token.
        tokens.append("")
    tokenizer = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    names = ["endoftext", "startoftranscript", *_LANGUAGES, *_TASKS]
    names += [f"{tick * _TICK_S:.2f}" for tick in range(_TICKS)]
    tokenizer.add_special_tokens([AddedToken(f"<|{name}|>", normalized=False, special=True) for name in names])
    return tokenizer


def _script(
    tokenizer: Tokenizer, dimensions: _Dimensions, rng: np.random.Generator, english_only: bool
) -> NDArray[np.intp]:
    """The token that each of the decoder's 448 positions is followed by, after a prompt without earlier text."""
    ids: dict[str, int] = tokenizer.get_vocab(with_added_tokens=True)
    words = [token for token in sorted(ids, key=lambda token: ids[token]) if _is_word(token)]
    chosen = rng.choice(words, size=(dimensions.phrases, dimensions.words), replace=False)
    script: list[int] = []
    for index, phrase in enumerate(chosen):
        script.append(ids[f"<|{index * dimensions.phrase_s:.2f}|>"])
        script += [ids[str(word)] for word in phrase]
        script.append(ids[f"<|{(index + 1) * dimensions.phrase_s:.2f}|>"])
    # The prompt is the start alone, or start, language and task; what the language is, is asked at the start.
    before = [] if english_only else [ids["<|en|>"], ids["<|transcribe|>"]]
    end = ids[_END_OF_TEXT]
    whole = np.full(TARGET_POSITIONS, end, dtype=np.intp)
    whole[: len(before) + len(script)] = [*before, *script]
    return whole


def _is_word(token: str) -> bool:
    return len(token) > 2 and token[0] == "Ġ" and token[1:].isascii() and token[1:].isalpha()


def _weights(
    dimensions: _Dimensions, script: NDArray[np.intp], tokenizer: Tokenizer, rng: np.random.Generator
) -> Weights:
    width, vocabulary_size = dimensions.width, tokenizer.get_vocab_size(with_added_tokens=True)
    deviation = _LOUDNESS / width
    embeddings = rng.standard_normal((vocabulary_size, width), dtype=np.float32) * np.float32(deviation)
    weights = {
        "model.encoder.conv1.weight": _normal(rng, width, BANDS, 3),
        "model.encoder.conv1.bias": np.zeros(width, np.float32),
        "model.encoder.conv2.weight": _normal(rng, width, width, 3),
        "model.encoder.conv2.bias": np.zeros(width, np.float32),
        "model.encoder.embed_positions.weight": _sinusoids(POSITIONS, width),
        "model.decoder.embed_tokens.weight": embeddings,
        "model.decoder.embed_positions.weight": embeddings[script] * np.float32(_SCRIPT_DEVIATION / deviation),
        **_norm("model.encoder.layer_norm", width),
        **_norm("model.decoder.layer_norm", width),
    }
    for part, layer in product(("encoder", "decoder"), range(dimensions.layers)):
        weights |= _layer(rng, f"model.{part}.layers.{layer}", width, is_decoder=part == "decoder")
    return weights


def _layer(rng: np.random.Generator, name: str, width: int, *, is_decoder: bool) -> Weights:
    attentions = ("self_attn", "encoder_attn") if is_decoder else ("self_attn",)
    weights = _norm(f"{name}.final_layer_norm", width)
    for attention in attentions:
        weights |= _norm(f"{name}.{attention}_layer_norm", width)
        for projection in ("q_proj", "k_proj", "v_proj", "out_proj"):
            weights[f"{name}.{attention}.{projection}.weight"] = _normal(rng, width, width)
            if projection != "k_proj":  # Whisper's keys have no bias
                weights[f"{name}.{attention}.{projection}.bias"] = np.zeros(width, np.float32)
    for linear, outputs, inputs in (("fc1", 4 * width, width), ("fc2", width, 4 * width)):
        weights[f"{name}.{linear}.weight"] = _normal(rng, outputs, inputs)
        weights[f"{name}.{linear}.bias"] = np.zeros(outputs, np.float32)
    return weights


def _normal(rng: np.random.Generator, outputs: int, *inputs: int) -> NDArray[np.float32]:
    """Weights that give outputs about as large as the inputs."""
    return rng.standard_normal((outputs, *inputs), dtype=np.float32) / np.float32(np.sqrt(np.prod(inputs)))


def _norm(name: str, width: int) -> Weights:
    return {f"{name}.weight": np.ones(width, np.float32), f"{name}.bias": np.zeros(width, np.float32)}


def _sinusoids(length: int, width: int) -> NDArray[np.float32]:
    """The encoder's positions. Source: Whisper's `sinusoids`, timescales from 1 to 10000."""
    scales = np.exp(-np.log(10_000) / (width // 2 - 1) * np.arange(width // 2))
    angles = np.arange(length)[:, None] * scales
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1).astype(np.float32)


def _config(tokenizer: Tokenizer, dimensions: _Dimensions) -> dict[str, object]:
    end, space = tokenizer.token_to_id(_END_OF_TEXT), tokenizer.token_to_id("Ġ")
    sides = {
        f"{part}_{name}": value
        for part in ("encoder", "decoder")
        for name, value in (
            ("layers", dimensions.layers),
            ("attention_heads", dimensions.heads),
            ("ffn_dim", 4 * dimensions.width),
        )
    }
    return sides | {
        "model_type": "whisper",
        "architectures": ["WhisperForConditionalGeneration"],
        "activation_function": "gelu",
        "dtype": "float16",
        "d_model": dimensions.width,
        "num_mel_bins": BANDS,
        "max_source_positions": POSITIONS,
        "max_target_positions": TARGET_POSITIONS,
        "vocab_size": tokenizer.get_vocab_size(with_added_tokens=True),
        "decoder_start_token_id": tokenizer.token_to_id("<|startoftranscript|>"),
        "bos_token_id": end,
        "eos_token_id": end,
        "pad_token_id": end,
        "suppress_tokens": [],
        "begin_suppress_tokens": [space, end],
    }


def _generation_config(tokenizer: Tokenizer, dimensions: _Dimensions, english_only: bool) -> dict[str, object]:
    end, space = tokenizer.token_to_id(_END_OF_TEXT), tokenizer.token_to_id("Ġ")
    document: dict[str, object] = {
        "decoder_start_token_id": tokenizer.token_to_id("<|startoftranscript|>"),
        "bos_token_id": end,
        "eos_token_id": end,
        "pad_token_id": end,
        "max_length": TARGET_POSITIONS,
        "is_multilingual": not english_only,
        "suppress_tokens": [],
        "begin_suppress_tokens": [space, end],
        "no_timestamps_token_id": tokenizer.token_to_id("<|notimestamps|>"),
        # Which of the decoder's heads tell when a word is said: all of the last layer.
        "alignment_heads": [[dimensions.layers - 1, head] for head in range(dimensions.heads)],
    }
    if not english_only:
        document["lang_to_id"] = {f"<|{code}|>": tokenizer.token_to_id(f"<|{code}|>") for code in _LANGUAGES}
    return document


def _write_json(path: Path, document: dict[str, object]) -> None:
    path.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n", encoding="utf-8")
