"""Build-time conversion of models into what the server's engines read; never part of an image."""

import os

# onnxruntime reports to its vendor from the moment of its import: see server/coldstart/engines/__init__.py.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
