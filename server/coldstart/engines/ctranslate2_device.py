"""Whether CTranslate2 can compute on a GPU here."""

import ctranslate2

from coldstart.engines.cuda_device import missing_library, missing_of_machine

# What CTranslate2's wheels open when they first multiply on a GPU, and do not bring. They open no cuDNN. Source: the
# names that are written in libctranslate2.so 4.8.
_CUBLAS = "libcublas.so.12"


def missing_for_cuda() -> str | None:
    """What keeps CTranslate2 from computing on a GPU, as the end of a sentence; None: nothing does."""
    missing = missing_of_machine()
    if missing is None and not ctranslate2.get_cuda_device_count():
        return "CTranslate2 cannot use the GPU that the NVIDIA driver shows: the driver may be older than CUDA 12 needs"
    return missing or missing_library([_CUBLAS])
