"""Whisper's features, as faster-whisper computes them, in torch, to train with."""

import torch
from faster_whisper.feature_extractor import FeatureExtractor
from torch import Tensor

_FILTERS = torch.from_numpy(FeatureExtractor(feature_size=80).mel_filters)
_FFT, _HOP = 400, 160
_WINDOW = torch.hann_window(_FFT)


def log_mel(samples: Tensor) -> Tensor:
    """Log-mel spectrogram: float32 (n_samples,) at 16 kHz → float32 (80, n_samples // 160 + 1)."""
    padded = torch.nn.functional.pad(samples, (0, _HOP))
    spectrum = torch.stft(padded, _FFT, _HOP, window=_WINDOW, return_complex=True)[:, :-1]
    log = (_FILTERS @ spectrum.abs().square()).clamp(min=1e-10).log10()
    return (torch.maximum(log, log.max() - 8.0) + 4.0) / 4.0
