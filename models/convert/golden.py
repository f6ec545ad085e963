"""The golden request of a model: one prompt with its right answer, by the reference engine in float32."""

import json
from pathlib import Path

import tokenizers
import torch
import transformers

from convert.self_check import distance_from

PROMPT = "The cat sat on the"
LISTED_TOKENS = 16
# More digits than the tolerances need, fewer than differ between instruction sets: the file is the same everywhere.
_DIGITS = 6
# Total variation. float32 on other kernels moves an answer by about 1e-6.
_FLOAT32_TOLERANCE = 0.001
# An int8 model is allowed the smallest of these that is twice what it has here: half is left for machines with other
# kernels. The starter has 0.005; without its first MLP it would have 1.0 (tests/contract). Steps, not the measured
# figure, for that differs between machines in its last digits, and the file should not.
_INT8_TOLERANCES = (0.05, 0.1, 0.2)


class TooCoarse(ValueError):
    """Quantisation changes this model's answer too much to call it the same model."""


def write_golden(source: Path, artifact: Path) -> float:
    """Ask PyTorch, on one thread, and write golden.json into the artifact of the onnxruntime engine.

    It holds prompt, token ids, the likeliest next tokens with their probabilities, and the tolerance of each engine.

    Returns:
        The total variation of the artifact's own answer from it, on this machine.

    Raises:
        TooCoarse: that is more than half of the largest tolerance.
    """
    token_ids = tokenizers.Tokenizer.from_file(str(source / "tokenizer.json")).encode(PROMPT).ids
    probabilities = _likeliest(source, token_ids)
    distance = distance_from(probabilities, artifact, token_ids)
    golden = {
        "prompt": PROMPT,
        "token_ids": token_ids,
        "probabilities": {str(token): probability for token, probability in probabilities.items()},
        "tolerance": {
            "onnxruntime": tolerance_for(distance),
            "onnxruntime-cuda": _FLOAT32_TOLERANCE,
            "transformers": _FLOAT32_TOLERANCE,
        },
    }
    (artifact / "golden.json").write_text(json.dumps(golden, indent=2) + "\n", encoding="utf-8")
    return distance


def _likeliest(source: Path, token_ids: list[int]) -> dict[int, float]:
    """The most likely next tokens, likeliest first, with their probabilities."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    transformers.utils.logging.disable_progress_bar()
    model = transformers.GPT2LMHeadModel.from_pretrained(source, dtype=torch.float32, attn_implementation="eager")
    model.eval()
    with torch.inference_mode():
        logits = model(torch.tensor([token_ids])).logits[0, -1]
        likeliest = torch.softmax(logits.double(), dim=-1).topk(min(LISTED_TOKENS, len(logits)))
    return {
        token: round(probability, _DIGITS)
        for token, probability in zip(likeliest.indices.tolist(), likeliest.values.tolist(), strict=True)
    }


def tolerance_for(distance: float) -> float:
    """The tolerance of a model whose int8 answer is `distance` from float32 on this machine.

    Raises:
        TooCoarse: no tolerance is twice that.
    """
    for tolerance in _INT8_TOLERANCES:
        if distance <= tolerance / 2:
            return tolerance
    raise TooCoarse(
        f"the converted model's answer to {PROMPT!r} has total variation {distance:.4f} from float32; "
        f"at most {_INT8_TOLERANCES[-1] / 2:g} is accepted: this checkpoint does not bear int8"
    )
