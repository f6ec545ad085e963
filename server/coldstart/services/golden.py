"""What all golden checks share. A golden check compares the answer of this very engine, here, with the build's."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def golden_digest(golden: Mapping[str, Any]) -> str:
    """sha256 in hex of a golden request and its answer as the manifest has them, without their tolerance.

    For an engine that has just met them. Not of the engine's own digits: those differ between instruction sets, while
    this is the same for every process that serves the same model rightly.
    """
    document = {name: value for name, value in golden.items() if name != "tolerance"}
    return hashlib.sha256(json.dumps(document, separators=(",", ":"), sort_keys=True).encode()).hexdigest()
