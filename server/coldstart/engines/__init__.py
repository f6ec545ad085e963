"""Engines, each behind a domain protocol; the only modules that import an inference library."""

import os

# Since 1.31 onnxruntime's Linux wheels report to their vendor and keep a device id in the home directory, both from
# the moment of the import. Source: https://github.com/microsoft/onnxruntime/pull/27379. An image sets this too
# (nix/images/config.nix); here it holds wherever an engine runs.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
# A model is a directory of the image. What takes a name for one of the Hugging Face Hub's is to fail at once.
os.environ["HF_HUB_OFFLINE"] = "1"
# How long CTranslate2's threads look for each other at the end of each step before they sleep. libgomp's default is a
# millisecond or more, thousands of times a window: where another process has one of the cores, a window of 10 s on two
# threads took 10 to 33 s of the processors instead of 4. With a short wait it takes 4 there, and no more where all
# cores are free.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
