"""The golden request of a model: one prompt with its right answer, by the reference engine in float32."""

import json
from pathlib import Path
from typing import Any

import tokenizers
import torch
import transformers

PROMPT = "The cat sat on the"
LISTED_TOKENS = 16
# More digits than the tolerances need, fewer than differ between instruction sets: the file is the same everywhere.
_DIGITS = 6
# Total variation. float32 on other kernels moves an answer by about 1e-6. int8 moves the starter's by 2e-3 on average
# and 0.025 at most; a model of which one matrix is zeroed by 0.3 and more. Source: tests/contract.
TOLERANCE = {"onnxruntime": 0.1, "transformers": 0.001}


def write_golden(source: Path, out: Path) -> dict[str, Any]:
    """Ask PyTorch, on one thread, and write prompt, token ids, the likeliest next tokens and the tolerances as JSON.

    Returns:
        What was written.
    """
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    transformers.utils.logging.disable_progress_bar()
    model = transformers.GPT2LMHeadModel.from_pretrained(source, dtype=torch.float32, attn_implementation="eager")
    model.eval()
    token_ids = tokenizers.Tokenizer.from_file(str(source / "tokenizer.json")).encode(PROMPT).ids
    with torch.inference_mode():
        logits = model(torch.tensor([token_ids])).logits[0, -1]
        likeliest = torch.softmax(logits.double(), dim=-1).topk(min(LISTED_TOKENS, len(logits)))
    golden = {
        "prompt": PROMPT,
        "token_ids": token_ids,
        "probabilities": {
            str(token): round(probability, _DIGITS)
            for token, probability in zip(likeliest.indices.tolist(), likeliest.values.tolist(), strict=True)
        },
        "tolerance": TOLERANCE,
    }
    out.write_text(json.dumps(golden, indent=2) + "\n", encoding="utf-8")
    return golden
