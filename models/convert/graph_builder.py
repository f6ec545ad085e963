"""A small writer of ONNX graphs: values are names, operators are calls."""

from typing import Any, Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
CONTRIB_DOMAIN = "com.microsoft"  # operators that onnxruntime adds to the standard
Precision = Literal["int8", "float32"]


class GraphBuilder:
    """Collects nodes and constants in the order in which they are made, so that the same calls give the same bytes."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._initializers: list[onnx.TensorProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._shared: set[str] = set()

    def input(self, name: str, element_type: int, shape: list[int | str]) -> str:
        self._inputs.append(helper.make_tensor_value_info(name, element_type, shape))
        return name

    def output(self, value: str, name: str, element_type: int, shape: list[int | str]) -> None:
        self._nodes.append(helper.make_node("Identity", [value], [name]))
        self._outputs.append(helper.make_tensor_value_info(name, element_type, shape))

    def constant(self, name: str, value: NDArray[Any]) -> str:
        self._initializers.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def shared(self, name: str, value: NDArray[Any]) -> str:
        """A constant that is written once, however often it is asked for."""
        if name not in self._shared:
            self._shared.add(name)
            self.constant(name, value)
        return name

    def integers(self, value: tuple[int, ...] | int) -> str:
        """A constant int64: a tuple is one dimension, an int is a scalar."""
        parts = value if isinstance(value, tuple) else ("scalar", value)
        return self.shared("_".join(["integers", *map(str, parts)]), np.array(value, dtype=np.int64))

    def op(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """One node with one output."""
        return self.op_many(operator, 1, *inputs, domain=domain, **attributes)[0]

    def op_many(self, operator: str, outputs: int, *inputs: str, domain: str = "", **attributes: Any) -> list[str]:
        number = len(self._nodes)
        names = [f"{operator}_{number}_{i}" for i in range(outputs)]
        self._nodes.append(
            helper.make_node(operator, list(inputs), names, f"{operator}_{number}", domain=domain, **attributes)
        )
        return names

    def layer_norm(self, x: str, name: str, weight: NDArray[Any], bias: NDArray[Any], epsilon: float) -> str:
        scale, shift = self.constant(f"{name}.weight", weight), self.constant(f"{name}.bias", bias)
        return self.op("LayerNormalization", x, scale, shift, axis=-1, epsilon=epsilon)

    def linear(
        self, x: str, name: str, weight: NDArray[np.float32], bias: NDArray[np.float32] | None, precision: Precision
    ) -> str:
        """x @ weight + bias; int8 scales each column of the weight and each row of x by itself.

        onnxruntime's own dynamic quantisation scales activations by the whole tensor, so that a row's result moves
        with its batch mates. A scale a row costs nothing that can be measured and makes rows independent.
        """
        if precision == "float32":
            product = self.op("MatMul", x, self.constant(f"{name}.weight", weight))
        else:
            product = self._int8_product(x, name, weight)
        return product if bias is None else self.op("Add", product, self.constant(f"{name}.bias", bias))

    def int8_columns(self, name: str, weight: NDArray[np.float32]) -> tuple[str, str]:
        """A matrix as int8 and the scales of its columns; written once for a name."""
        quantised, scale = quantise_columns(weight)
        return self.shared(f"{name}.weight", quantised), self.shared(f"{name}.scale", scale)

    def _int8_product(self, x: str, name: str, weight: NDArray[np.float32]) -> str:
        columns, scales = self.int8_columns(name, weight)
        unit = self.shared("unit", np.array(1 / 127, dtype=np.float32))
        zero = self.shared("zero", np.array(128, dtype=np.uint8))
        # A row of zeros is divided by zero, quantised to anything, and multiplied by zero again.
        largest = self.op("ReduceMax", self.op("Abs", x), axes=[-1], keepdims=1)
        rows = self.op("QuantizeLinear", self.op("Div", x, largest), unit, zero)
        product = self.op("MatMulIntegerToFloat", rows, columns, unit, scales, zero, domain=CONTRIB_DOMAIN)
        return self.op("Mul", product, largest)

    def model(self) -> onnx.ModelProto:
        graph = helper.make_graph(self._nodes, "coldstart", self._inputs, self._outputs, self._initializers)
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIB_DOMAIN, 1)]
        return helper.make_model(graph, opset_imports=opsets, producer_name="coldstart", ir_version=8)


def quantise_columns(weight: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Symmetric int8 with a scale a column: weight ≈ quantised * scale.

    Returns:
        int8 in [-127, 127], the shape of `weight`; and float32, shape (columns,).
    """
    scale = np.maximum(np.abs(weight).max(axis=0), np.float32(1e-12)) / np.float32(127)
    return np.rint(weight / scale).astype(np.int8), scale.astype(np.float32)


FLOAT, FLOAT16, INT64 = TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.INT64
