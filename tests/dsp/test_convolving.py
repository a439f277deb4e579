"""The streamed convolution: the whole one is its oracle, and blocks do not matter."""

import numpy as np
import pytest
import torch

from timbrel.dsp.convolving import Convolver
from timbrel.dsp.room import Room, convolved


def dense(silent: int, length: int) -> np.ndarray:
    """Noise of length 1 after so many silent samples."""
    response = np.random.default_rng(2).standard_normal(length)
    response[:silent] = 0.0
    return (response / np.linalg.norm(response)).astype(np.float32)


def noise(length: int) -> np.ndarray:
    return (0.2 * np.random.default_rng(3).standard_normal(length)).astype(np.float32)


def heard(convolver: Convolver, sound: np.ndarray, block: int | None) -> np.ndarray:
    """What comes back; None: blocks of random sizes."""
    sizes = np.random.default_rng(1)
    out = np.full(len(sound), np.nan, np.float32)
    begin = 0
    while begin < len(sound):
        end = begin + (block or int(sizes.integers(1, 700)))
        convolver.process(sound[begin:end], out[begin:end])
        begin = end
    return out


@pytest.mark.parametrize("block", [1, 64, 65, 128, 512, 513, 9000, None])
@pytest.mark.parametrize(("silent", "length"), [(16, 50), (100, 1000), (300, 2048), (64, 4097)])
def test_it_is_the_whole_convolution(silent: int, length: int, block: int | None):
    response, sound = dense(silent, length), noise(9000)
    whole = convolved(torch.from_numpy(sound).double(), torch.from_numpy(response)).numpy()
    np.testing.assert_allclose(heard(Convolver(response), sound, block), whole, atol=1e-6, rtol=0)


@pytest.mark.parametrize("sample_rate", [8000, 16000, 22050, 44100, 48000, 96000])
def test_every_room_can_be_heard_live(sample_rate: int):
    response = Room(sample_rate, 0.2).response().detach().numpy()
    assert Convolver(response).partition >= sample_rate / 256


def test_it_comes_when_it_should():
    convolver = Convolver(dense(48, 500))
    answer = heard(convolver, np.eye(1, 600, 7, dtype=np.float32)[0], 10)
    np.testing.assert_allclose(answer[7:507], dense(48, 500), atol=1e-6)
    assert np.abs(answer[:54]).max() < 1e-6
    assert convolver.partition == 32


def test_a_partition_is_as_long_as_the_silence():
    assert [Convolver(dense(n, 3000)).partition for n in (16, 31, 256, 2048)] == [16, 16, 256, 1024]


def test_nothing_comes_back_of_silence():
    convolver = Convolver(dense(64, 300))
    heard(convolver, noise(1000), 100)
    convolver.silence()
    assert not heard(convolver, np.zeros(500, np.float32), 33).any()


def test_an_empty_room_says_nothing():
    assert not heard(Convolver(np.zeros(0, np.float32)), noise(3000), 200).any()


def test_what_begins_at_once_is_refused():
    with pytest.raises(ValueError, match="begins after 3 samples, wanted 16 or more"):
        Convolver(dense(3, 100))
