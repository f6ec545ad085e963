"""The starter model with the manifest over it, as an image would hold them."""

import json
from pathlib import Path

from tests.contract.engine_cases import STARTER, convert


def starter_manifest(directory: Path) -> Path:
    """Convert the starter model into `directory` and write a manifest of both its forms."""
    converted = directory / "onnxruntime"
    convert("gpt2", STARTER, converted)
    entry = {
        "name": "gpt2-starter",
        "task": "next-token",
        "architecture": "gpt2",
        "repository": "coldstart/gpt2-starter",
        "revision": "test",
        "license": "MIT",
        "required": True,
        "artifacts": {"onnxruntime": str(converted), "transformers": str(STARTER)},
        "golden": str(converted / "golden.json"),
    }
    description = directory / "models.in.json"
    description.write_text(json.dumps({"schema_version": 1, "models": [entry]}))
    manifest = directory / "models.json"
    convert("manifest", manifest, description)
    return manifest
