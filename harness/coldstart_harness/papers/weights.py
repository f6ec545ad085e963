"""In which form of numbers a model's weights are, as its files in an image say."""

import json
import posixpath
import struct
from collections import Counter
from typing import IO

from coldstart_harness.archive.image import ImageAtRest
from coldstart_harness.archive.tree import Entry

_LARGEST_DOCUMENT_BYTES = 16 << 20
# Source: CTranslate2, include/ctranslate2/types.h, enum class DataType.
_CTRANSLATE2_TYPES = ("float32", "int8", "int16", "int32", "float16", "bfloat16")
# Source: safetensors' format, `dtype`.
_SAFETENSORS_TYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I8": "int8"}


def weights_of(image: ImageAtRest, directory: str) -> str | None:
    """The type that most bytes of the weights have, such as `int8`; None where no file says it.

    Args:
        image: that holds the model.
        directory: where it lies.
    """
    try:
        if entry := _file(image, directory, "config.json"):
            with image.open(entry) as file:
                stated = json.loads(file.read(_LARGEST_DOCUMENT_BYTES)).get("weights")
            if isinstance(stated, str):
                return stated
        for name, read in (("model.safetensors", _in_safetensors), ("model.bin", _in_ctranslate2)):
            if entry := _file(image, directory, name):
                with image.open(entry) as file:
                    return read(file)
    except (ValueError, KeyError, IndexError, AttributeError, struct.error):
        return None
    return None


def _file(image: ImageAtRest, directory: str, name: str) -> Entry | None:
    entry = image.tree.resolve(posixpath.join(directory, name))
    return entry if entry is not None and entry.kind == "file" else None


def _in_safetensors(file: IO[bytes]) -> str | None:
    (size,) = struct.unpack("<Q", file.read(8))
    header = json.loads(file.read(min(size, _LARGEST_DOCUMENT_BYTES)))
    sizes = Counter[str]()
    for name, tensor in header.items():
        if name != "__metadata__":
            begin, end = tensor["data_offsets"]
            sizes[tensor["dtype"]] += end - begin
    return _SAFETENSORS_TYPES.get(_largest(sizes))


def _in_ctranslate2(file: IO[bytes]) -> str | None:
    """Source: CTranslate2, python/ctranslate2/specs/model_spec.py, `_serialize`."""
    _version, length = struct.unpack("<IH", file.read(6))
    file.seek(length, 1)
    _revision, variables = struct.unpack("<II", file.read(8))
    sizes = Counter[str]()
    for _ in range(variables):
        (length,) = struct.unpack("<H", file.read(2))
        file.seek(length, 1)
        (rank,) = struct.unpack("<B", file.read(1))
        file.seek(4 * rank, 1)
        kind, size = struct.unpack("<BI", file.read(5))
        file.seek(size, 1)
        sizes[_CTRANSLATE2_TYPES[kind]] += size
    return _largest(sizes) or None


def _largest(sizes: Counter[str]) -> str:
    return max(sorted(sizes), key=lambda name: sizes[name], default="")
