"""A Kokoro of a few kilobytes, in the form in which the real one is published: the same files, inputs and outputs.

It hums instead of speaking: each symbol lasts as long as its number says and has a pitch of its own; the style makes
it louder or softer, the speed shorter or longer. So what an engine does around the weights can be heard in the sound.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from convert.graph_builder import FLOAT, INT64, GraphBuilder

STYLES_SHAPE = (510, 1, 256)
SAMPLES_A_FRAME = 600  # as the real one: 40 frames a second
VOICES = ("af_bella", "af_heart", "am_michael", "bf_emma")

# The real vocabulary. Source: tokenizer.json of https://huggingface.co/onnx-community/Kokoro-82M-v1.0-ONNX, whose bytes
# `_tokenizer` makes again.
TOKENIZER_SHA256 = "77a02c8e164413299b4b4c403b14f8e0e1c1b727db4d46a09d6327b861060a34"
_SYMBOLS = (
    ';:,.!?—…"()“” \u0303ʣʥʦʨᵝꭧAIOQSTWYᵊabcdefhijklmnopqrstuvwxyzɑɐɒæβɔɕçɖðʤəɚɛɜɟɡɥɨɪʝɯɰŋɳɲɴøɸθœɹɾɻʁɽʂʃʈʧ'
    "ʊʋʌɣɤχʎʒʔˈˌːʰʲ↓→↗↘ᵻ"
)
# fmt: off
_NUMBERS = (
    1, 2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 31, 33, 35, 36, 39, 41, 42, 43,
    44, 45, 46, 47, 48, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 71, 72, 75,
    76, 77, 78, 80, 81, 82, 83, 85, 86, 87, 90, 92, 99, 101, 102, 103, 110, 111, 112, 113, 114, 115, 116, 118, 119, 120,
    123, 125, 126, 128, 129, 130, 131, 132, 133, 135, 136, 138, 139, 140, 142, 143, 147, 148, 156, 157, 158, 162, 164,
    169, 171, 172, 173, 177,
)
# fmt: on
VOCABULARY = {"$": 0, **dict(zip(_SYMBOLS, _NUMBERS, strict=True))}
_ROWS = 178  # of the real embedding


def write_toy_kokoro(out: Path, *, seed: int = 0) -> None:
    """Write config.json, tokenizer.json, onnx/model.onnx and voices/*.bin."""
    (out / "onnx").mkdir(parents=True, exist_ok=True)
    (out / "voices").mkdir(exist_ok=True)
    (out / "config.json").write_text(json.dumps({"model_type": "style_text_to_speech_2"}, indent=2), encoding="utf-8")
    (out / "tokenizer.json").write_text(json.dumps(_tokenizer(), indent=2), encoding="utf-8")
    onnx.save_model(_graph(), out / "onnx" / "model.onnx")
    for number, name in enumerate(VOICES):
        (out / "voices" / f"{name}.bin").write_bytes(voice_bytes(seed + number))


def voice_bytes(seed: int) -> bytes:
    """A voice file of the right size, with styles drawn at random."""
    return np.random.default_rng(seed).normal(size=STYLES_SHAPE).astype("<f4").tobytes()


def tokenizer_sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _tokenizer() -> dict[str, Any]:
    pad = {"SpecialToken": {"id": "$", "type_id": 0}}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": {"type": "Replace", "pattern": {"Regex": f"[^{''.join(VOCABULARY)}]"}, "content": ""},
        "pre_tokenizer": {"type": "Split", "pattern": {"Regex": ""}, "behavior": "Isolated", "invert": False},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [pad, {"Sequence": {"id": "A", "type_id": 0}}, pad],
            "special_tokens": {"$": {"id": "$", "ids": [0], "tokens": ["$"]}},
        },
        "decoder": None,
        "model": {"vocab": VOCABULARY},
    }


def _graph() -> onnx.ModelProto:
    graph = GraphBuilder()
    ids = graph.input("input_ids", INT64, [1, "sequence_length"])
    style = graph.input("style", FLOAT, [1, 256])
    speed = graph.input("speed", FLOAT, [1])
    numbers = np.arange(_ROWS, dtype=np.float32)
    tokens = graph.op("Reshape", ids, graph.integers((-1,)))
    # Frames of each symbol, and where each ends.
    frames = graph.op("Gather", graph.constant("frames", 1 + numbers % 3), tokens)
    ends = graph.op("CumSum", graph.op("Div", frames, speed), graph.integers(0))
    count = graph.op("Cast", graph.op("Floor", graph.op("ReduceMax", ends, keepdims=0)), to=INT64)
    frame = graph.op("Range", graph.integers(0), count, graph.integers(1))
    # How many symbols have ended at a frame is the number of the one that sounds.
    ended = graph.op(
        "LessOrEqual",
        graph.op("Unsqueeze", ends, graph.integers((1,))),
        graph.op("Unsqueeze", graph.op("Cast", frame, to=FLOAT), graph.integers((0,))),
    )
    index = graph.op("ReduceSum", graph.op("Cast", ended, to=INT64), graph.integers((0,)), keepdims=0)
    pitches = graph.op("Gather", graph.constant("pitch", 0.02 + numbers / 1000), graph.op("Gather", tokens, index))
    columns = graph.op("Unsqueeze", pitches, graph.integers((1,)))
    pitch = graph.op("Reshape", graph.op("Tile", columns, graph.integers((1, SAMPLES_A_FRAME))), graph.integers((-1,)))
    samples = graph.op("Mul", count, graph.integers(SAMPLES_A_FRAME))
    at = graph.op("Cast", graph.op("Range", graph.integers(0), samples, graph.integers(1)), to=FLOAT)
    hum = graph.op("Sin", graph.op("Mul", pitch, at))
    loudness = graph.op("Sigmoid", graph.op("ReduceMean", style, keepdims=0))
    sound = graph.op("Unsqueeze", graph.op("Mul", hum, loudness), graph.integers((0,)))
    graph.output(sound, "waveform", FLOAT, [1, "num_samples"])
    return graph.model()
