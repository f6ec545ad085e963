"""Raw samples in pieces of any size."""

import numpy as np
import pytest

from coldstart.services.pcm_stream import PcmStream


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_samples_do_not_depend_on_where_pieces_end(size: int) -> None:
    """Half a sample waits for its other half."""
    values = np.random.default_rng(0).integers(-(2**15), 2**15, 500).astype("<i2")
    data, stream = values.tobytes(), PcmStream()
    heard = np.concatenate([stream.decode(data[i : i + size]) for i in range(0, len(data), size)])
    assert heard.dtype == np.float32
    assert np.array_equal(heard * 2**15, values)


def test_samples_are_between_minus_one_and_one() -> None:
    """The whole range of 16 bits, and silence is 0."""
    data = np.array([-(2**15), 0, 2**15 - 1], "<i2").tobytes()
    assert PcmStream().decode(data).tolist() == [-1.0, 0.0, (2**15 - 1) / 2**15]
