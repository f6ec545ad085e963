"""The GPT-2 graph that the onnxruntime engine runs.

Past keys and values come in padded and never go out: the graph emits only the new ones, and scores of past and new
positions are joined, not the caches. The caller owns the cache and appends to it.

Inputs (B rows, T new tokens, P padded past positions, H heads, D = width / heads):
    input_ids: int64, (B, T); past_length: int64, (B,), how many of the P positions are real in each row;
    past_0 … past_{2 * layers - 1}: keys and values by turns, layer by layer, (B, H, P, D).
Outputs:
    logits: float32, (B, vocabulary), of the last new position; new: (2 * layers, B, H, T, D).
"""

import math
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

from convert.gpt2_checkpoint import Gpt2Checkpoint
from convert.graph_builder import (
    CONTRIB_DOMAIN,
    FLOAT,
    FLOAT16,
    INT64,
    GraphBuilder,
    Precision,
)

_MASKED = np.float32(-1e9)


@dataclass(frozen=True, slots=True)
class _Frame:
    """What every layer needs: the score bias of all queries and of the last one, and the two lengths of the keys."""

    bias: str
    last_bias: str
    key_lengths: str


def build_gpt2_graph(checkpoint: Gpt2Checkpoint, precision: Precision) -> onnx.ModelProto:
    """The graph with its weights; the cache is float16 for int8 weights, else float32."""
    return _Gpt2Graph(checkpoint, precision).build()


class _Gpt2Graph:
    def __init__(self, checkpoint: Gpt2Checkpoint, precision: Precision) -> None:
        self._checkpoint = checkpoint
        self._precision: Precision = precision
        self._cache_type = FLOAT16 if precision == "int8" else FLOAT
        self._head_size = checkpoint.width // checkpoint.heads
        self._graph = GraphBuilder()

    def build(self) -> onnx.ModelProto:
        g, c = self._graph, self._checkpoint
        ids = g.input("input_ids", INT64, ["batch", "new"])
        past_length = g.input("past_length", INT64, ["batch"])
        shape: list[int | str] = ["batch", c.heads, "past", self._head_size]
        past = [g.input(f"past_{i}", self._cache_type, shape) for i in range(2 * c.layers)]
        past_rows = g.op("Unsqueeze", past_length, g.integers((1,)))
        count = g.op("Squeeze", g.op("Shape", ids, start=1, end=2), g.integers((0,)))
        steps = g.op("Range", g.integers(0), count, g.integers(1))
        x = self._embed(ids, g.op("Add", past_rows, steps))
        frame = self._frame(past_rows, steps, past[0])
        new: list[str] = []
        for layer in range(c.layers):
            x, keys, values = self._layer(x, layer, past[2 * layer], past[2 * layer + 1], frame)
            new += [keys, values]
        g.output(self._head(x), "logits", FLOAT, ["batch", c.vocabulary_size])
        stacked = g.op("Concat", *(g.op("Unsqueeze", value, g.integers((0,))) for value in new), axis=0)
        g.output(stacked, "new", self._cache_type, [2 * c.layers, "batch", c.heads, "new", self._head_size])
        return g.model()

    def _embed(self, ids: str, positions: str) -> str:
        """Token plus position embeddings, (B, T, width)."""
        g, weights = self._graph, self._checkpoint.weights
        if self._precision == "float32":
            tokens = g.op("Gather", g.constant("wte.weight", weights["wte.weight"]), ids)
        else:  # columns of the head, which is the same table: 39 MB less of GPT-2
            head, scales = g.int8_columns("head", self._table())
            rows = g.op("Transpose", g.op("Gather", head, ids, axis=1), perm=[1, 2, 0])
            scale = g.op("Unsqueeze", g.op("Gather", scales, ids), g.integers((2,)))
            tokens = g.op("Mul", g.op("Cast", rows, to=FLOAT), scale)
        return g.op("Add", tokens, g.op("Gather", g.constant("wpe.weight", weights["wpe.weight"]), positions))

    def _table(self) -> NDArray[np.float32]:
        """The embedding table as the head's matrix, (width, vocabulary)."""
        return np.ascontiguousarray(self._checkpoint.weights["wte.weight"].T)

    def _frame(self, past_rows: str, steps: str, past: str) -> _Frame:
        """Score bias (B, 1, T, P + T): 0 where a query may look, else a large negative number."""
        g = self._graph
        zero = g.constant("seen", np.zeros((), dtype=np.float32))
        masked = g.constant("masked", np.array(_MASKED))
        past_count, new_count = g.op("Shape", past, start=2, end=3), g.op("Shape", steps)
        past_steps = g.op("Range", g.integers(0), g.op("Squeeze", past_count, g.integers((0,))), g.integers(1))
        is_past = g.op("Less", past_steps, past_rows)  # (B, P)
        is_past = g.op("Unsqueeze", is_past, g.integers((1, 2)))
        is_before = g.op("LessOrEqual", steps, g.op("Unsqueeze", steps, g.integers((1,))))  # (T, T)
        rows = g.op("Shape", past_rows, start=0, end=1)
        one = g.integers((1,))
        past_shape = g.op("Concat", rows, one, new_count, past_count, axis=0)
        new_shape = g.op("Concat", rows, one, new_count, new_count, axis=0)
        seen = g.op("Concat", g.op("Expand", is_past, past_shape), g.op("Expand", is_before, new_shape), axis=3)
        bias = g.op("Where", seen, zero, masked)
        return _Frame(bias, self._last(bias, axis=2), g.op("Concat", past_count, new_count, axis=0))

    def _last(self, x: str, axis: int) -> str:
        """The last position of an axis, which stays, with size 1."""
        return self._graph.op("Gather", x, self._graph.integers((-1,)), axis=axis)

    def _layer(self, x: str, layer: int, past_keys: str, past_values: str, frame: _Frame) -> tuple[str, str, str]:
        """One block; returns its output and the new keys and values, (B, H, T, D).

        The last block answers for the last position only: nothing reads the others.
        """
        g, c = self._graph, self._checkpoint
        is_last = layer == c.layers - 1
        packed = self._packed(self._norm(x, f"h.{layer}.ln_1"), f"h.{layer}.attn.c_attn")
        query, keys, values = (self._heads(part) for part in g.op_many("Split", 3, packed, axis=-1))
        if (
            self._cache_type == FLOAT16
        ):  # rounded at once: a position counts the same in its own chunk and from the cache
            keys, values = g.op("Cast", keys, to=FLOAT16), g.op("Cast", values, to=FLOAT16)
        if is_last:
            query, x = self._last(query, axis=2), self._last(x, axis=1)
        bias = frame.last_bias if is_last else frame.bias
        mixed = self._attention(query, (past_keys, past_values), (keys, values), bias, frame.key_lengths)
        x = g.op("Add", x, self._linear(mixed, f"h.{layer}.attn.c_proj"))
        hidden = self._linear(self._norm(x, f"h.{layer}.ln_2"), f"h.{layer}.mlp.c_fc")
        hidden = g.op("FastGelu", hidden, domain=CONTRIB_DOMAIN)
        return g.op("Add", x, self._linear(hidden, f"h.{layer}.mlp.c_proj")), keys, values

    def _packed(self, x: str, name: str) -> str:
        """Queries, keys and values in one, (B, T, 3 * width); the queries already divided by the root of D."""
        weights, width = self._checkpoint.weights, self._checkpoint.width
        factors = np.ones(3 * width, dtype=np.float32)
        factors[:width] = 1 / math.sqrt(self._head_size)
        weight, bias = weights[f"{name}.weight"] * factors, weights[f"{name}.bias"] * factors
        return self._graph.linear(x, name, weight, bias, self._precision)

    def _heads(self, x: str) -> str:
        """(B, T, width) → (B, H, T, D)."""
        g = self._graph
        split = g.op("Reshape", x, g.integers((0, 0, self._checkpoint.heads, self._head_size)))
        return g.op("Transpose", split, perm=[0, 2, 1, 3])

    def _attention(self, query: str, past: tuple[str, str], new: tuple[str, str], bias: str, lengths: str) -> str:
        """Softmax over past and new positions together, (B, T, width)."""
        g = self._graph
        if self._cache_type == FLOAT16:
            past = (g.op("Cast", past[0], to=FLOAT), g.op("Cast", past[1], to=FLOAT))
            new = (g.op("Cast", new[0], to=FLOAT), g.op("Cast", new[1], to=FLOAT))
        # alpha stays 1: with any other onnxruntime leaves its fast path for single rows.
        scores = [g.op("FusedMatMul", query, keys, domain=CONTRIB_DOMAIN, transB=1) for keys in (past[0], new[0])]
        joined = g.op("Add", g.op("Concat", *scores, axis=3), bias)
        weights = g.op_many("Split", 2, g.op("Softmax", joined, axis=-1), lengths, axis=-1)
        mixed = g.op("Add", g.op("MatMul", weights[0], past[1]), g.op("MatMul", weights[1], new[1]))
        merged = g.op("Transpose", mixed, perm=[0, 2, 1, 3])
        return g.op("Reshape", merged, g.integers((0, 0, self._checkpoint.width)))

    def _head(self, x: str) -> str:
        """Logits of the last position, (B, vocabulary); the head is the embedding table, transposed."""
        g = self._graph
        flat = g.op("Squeeze", self._norm(x, "ln_f"), g.integers((1,)))
        return g.linear(flat, "head", self._table(), None, self._precision)

    def _norm(self, x: str, name: str) -> str:
        weights = self._checkpoint.weights
        return self._graph.layer_norm(
            x, name, weights[f"{name}.weight"], weights[f"{name}.bias"], self._checkpoint.epsilon
        )

    def _linear(self, x: str, name: str) -> str:
        weights = self._checkpoint.weights
        return self._graph.linear(x, name, weights[f"{name}.weight"], weights[f"{name}.bias"], self._precision)
