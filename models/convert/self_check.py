"""What a converted model answers, in onnxruntime, on this machine."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnxruntime as ort

_PAST_TOKENS = 128


def distance_from(probabilities: Mapping[int, float], artifact: Path, token_ids: list[int]) -> float:
    """The total variation, in [0, 1], of the artifact's answer from `probabilities`, all other tokens as one."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(str(artifact / "model.onnx"), options, providers=["CPUExecutionProvider"])
    feeds = {"input_ids": np.array([token_ids], dtype=np.int64), "past_length": np.zeros(1, dtype=np.int64)}
    for past in session.get_inputs():
        if past.name not in feeds:
            dtype = np.float16 if past.type == "tensor(float16)" else np.float32
            feeds[past.name] = np.zeros((1, past.shape[1], _PAST_TOKENS, past.shape[3]), dtype=dtype)
    logits = session.run(["logits"], feeds)[0][0].astype(np.float64)
    weights = np.exp(logits - logits.max())
    met = weights / weights.sum()
    differences = [p - met[token] for token, p in probabilities.items()]
    return float(sum(map(abs, differences)) + abs(sum(differences))) / 2
