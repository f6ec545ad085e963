"""A look at what was made before it is called a model: its own golden request, in onnxruntime, on this machine."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from convert.gpt2_checkpoint import UnsupportedCheckpoint

_PAST_TOKENS = 128


def check_answer(artifact: Path, golden: dict[str, Any]) -> float:
    """Run the golden request through the artifact.

    Half of the tolerance is left for machines with other kernels: a model that needs more would start here and be
    refused there.

    Returns:
        The total variation over the golden tokens and all others as one.

    Raises:
        UnsupportedCheckpoint: it is more than half of what the golden answer allows the engine.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(str(artifact / "model.onnx"), options, providers=["CPUExecutionProvider"])
    feeds = {
        "input_ids": np.array([golden["token_ids"]], dtype=np.int64),
        "past_length": np.zeros(1, dtype=np.int64),
    }
    for past in session.get_inputs():
        if past.name not in feeds:
            dtype = np.float16 if past.type == "tensor(float16)" else np.float32
            feeds[past.name] = np.zeros((1, past.shape[1], _PAST_TOKENS, past.shape[3]), dtype=dtype)
    logits = session.run(["logits"], feeds)[0][0].astype(np.float64)
    weights = np.exp(logits - logits.max())
    met = weights / weights.sum()
    differences = [p - met[int(token)] for token, p in golden["probabilities"].items()]
    distance = float(sum(map(abs, differences)) + abs(sum(differences))) / 2
    allowed = golden["tolerance"]["onnxruntime"] / 2
    if not distance <= allowed:
        raise UnsupportedCheckpoint(
            f"the converted model's answer to {golden['prompt']!r} has total variation {distance:.4f} from float32; "
            f"at most {allowed:g} is accepted: this checkpoint does not bear int8"
        )
    return distance
