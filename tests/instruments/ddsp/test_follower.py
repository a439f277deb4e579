"""Following frame by frame: the transfer of the whole performance is its oracle."""

import itertools
import math

import numpy as np
import pytest
import torch

from timbrel.errors import BadInput
from timbrel.instruments.ddsp import Ddsp
from timbrel.instruments.ddsp.follower import MOST_WAITING, DdspFollower
from timbrel.sound import Performance

from .conftest import instrument_of

N_FRAMES = 240
TURNED = {"harmonic_gain": -18.0, "noise_gain": -20.0, "reverb_gain": 3.0}
BLOCKS = (1, 64, 65, 128, 512, 513, None)
"""None: blocks of random sizes."""


def performance(lowest_hz: float = 200.0) -> Performance:
    """A melody with breaths in which no pitch is heard."""
    time_s = torch.arange(N_FRAMES) / 200
    f0_hz = lowest_hz * 2 ** (1 + (7 * time_s).sin())
    confidence = (0.6 + (19 * time_s).sin()).clamp(0, 1)
    return Performance(f0_hz, -40 + 20 * (9 * time_s).cos(), confidence, 200.0)


def followed(
    follower: DdspFollower, melody: Performance, block: int | None, length: int
) -> np.ndarray:
    """What is heard when each frame is told as late as can be."""
    sizes, hop = np.random.default_rng(1), follower.sample_rate / follower.frame_rate
    audio, begin, told = np.full(length, np.nan, np.float32), 0, 0
    while begin < length:
        end = min(begin + (block or int(sizes.integers(1, 700))), length)
        while told < min(N_FRAMES, math.ceil(end / hop) + 1):
            follower.hear(*(float(curve[told]) for curve in frames_of(melody)))
            told += 1
        follower.process(audio[begin:end])
        begin = end
    return audio


def frames_of(melody: Performance) -> tuple[torch.Tensor, ...]:
    return melody.f0_hz, melody.loudness_db, melody.confidence


def turned(instrument: Ddsp, sample_rate: int | None = None) -> DdspFollower:
    follower = DdspFollower(
        instrument, timbre_of(instrument), sample_rate or instrument.sample_rate
    )
    for control, value in TURNED.items():
        follower.set(control, value)
    return follower


def timbre_of(instrument: Ddsp, seed: int = 1) -> torch.Tensor:
    return instrument.timbre_space.sample(1, generator=torch.Generator().manual_seed(seed))[0]


@pytest.mark.parametrize("block", BLOCKS)
def test_blocks_of_any_size_are_the_transfer_of_the_whole(block: int | None):
    instrument, melody = instrument_of(), performance()
    whole = instrument.transfer(melody, timbre_of(instrument), TURNED).numpy()
    heard = followed(turned(instrument), melody, block, len(whole))
    np.testing.assert_allclose(heard, whole, atol=1e-5, rtol=0)
    assert 0.05 < np.abs(whole).max() < 2


@pytest.mark.parametrize("decoder", ["gru", "transformer"])
@pytest.mark.parametrize("sample_rate", [22050, 48000])
def test_it_is_the_transfer_for_all_models(sample_rate: int, decoder: str):
    instrument, melody = instrument_of(sample_rate, decoder), performance()
    whole = instrument.transfer(melody, timbre_of(instrument), TURNED).numpy()
    heard = followed(turned(instrument), melody, 300, len(whole))
    np.testing.assert_allclose(heard, whole, atol=1e-5, rtol=0)


def test_without_a_room_there_is_none():
    instrument, melody = instrument_of(reverb_s=0.0), performance()
    whole = instrument.transfer(melody, timbre_of(instrument), TURNED).numpy()
    np.testing.assert_allclose(
        followed(turned(instrument), melody, 99, len(whole)), whole, atol=1e-5
    )


@pytest.mark.parametrize("sample_rate", [11025, 44100])
def test_another_rate_sounds_alike(sample_rate: int):
    """The same power below both Nyquist frequencies, octave by octave; nothing above."""
    instrument, melody = instrument_of(reverb_s=0.0), performance(400.0)
    followers = [turned(instrument), turned(instrument, sample_rate)]
    for follower in followers:
        follower.set("noise_gain", -40.0)
    own = followed(followers[0], melody, 128, 16000)
    other = followed(followers[1], melody, 128, sample_rate)
    powers = [octaves_db(own, 16000), octaves_db(other, sample_rate)]
    assert np.abs(powers[0] - powers[1]).max() < 1.0
    if sample_rate > 16000:
        spectrum = np.square(np.abs(np.fft.rfft(other * np.hanning(len(other)))))
        above = spectrum[np.fft.rfftfreq(len(other), 1 / sample_rate) > 9300].sum()
        assert above < 1e-4 * spectrum.sum()


def octaves_db(sound: np.ndarray, sample_rate: int) -> np.ndarray:
    power = np.square(np.abs(np.fft.rfft(sound * np.hanning(len(sound))))) / sample_rate**2
    frequency_hz = np.fft.rfftfreq(len(sound), 1 / sample_rate)
    edges = (300, 600, 1200, 2400, 4500)
    sums = [
        power[(frequency_hz >= low) & (frequency_hz < high)].sum()
        for low, high in itertools.pairwise(edges)
    ]
    return 10 * np.log10(sums)


def test_what_was_told_last_is_held():
    follower, out = turned(instrument_of(reverb_s=0.0)), np.zeros(4000, np.float32)
    follower.set("harmonic_gain", 6.0)
    follower.set("noise_gain", -40.0)
    follower.hear(300.0, -20.0, 1.0)
    follower.process(out)
    assert not out.any()
    follower.hear(300.0, -20.0, 1.0)
    levels = []
    for _ in range(8):
        follower.process(out)
        spectrum = np.abs(np.fft.rfft(out * np.hanning(4000)))
        levels.append(20 * np.log10(spectrum[75]))
    # the bins are 4 Hz apart
    assert max(levels[1:]) - min(levels[1:]) < 0.3


def test_nothing_heard_is_as_the_frame_before():
    instrument, melody, hole = instrument_of(), performance(), performance()
    for curve in frames_of(melody):
        curve[100:104] = curve[99]
    for curve in frames_of(hole):
        curve[100:104] = math.nan
    heard = followed(turned(instrument), hole, 256, 19000)
    np.testing.assert_array_equal(heard, followed(turned(instrument), melody, 256, 19000))


def test_numbers_that_nothing_has_are_held_to_what_can_be():
    follower, other = turned(instrument_of()), turned(instrument_of())
    frames = ((220.0, -20.0, 1.0), (220.0, 1e300, 1.0), (1e300, -20.0, 1e300), (-5.0, -1e300, -1.0))
    held = ((220.0, -20.0, 1.0), (220.0, 200.0, 1.0), (1e7, -20.0, 1.0), (0.0, -400.0, 0.0))
    after = np.zeros((2, 4000), np.float32)
    for frame, legal in zip(frames, held, strict=True):
        follower.hear(*frame)
        other.hear(*legal)
    follower.process(after[0])
    other.process(after[1])
    assert np.isfinite(after).all()
    np.testing.assert_array_equal(after[0], after[1])


def test_a_pitch_of_zero_is_none_however_sure():
    instrument, melody, hole = instrument_of(), performance(), performance()
    melody.f0_hz[100:120] = melody.f0_hz[99]
    for curves in (melody, hole):
        curves.confidence[99:120] = 1.0
    hole.f0_hz[100:120] = 0.0
    heard = followed(turned(instrument), hole, 256, 19000)
    np.testing.assert_array_equal(heard, followed(turned(instrument), melody, 256, 19000))


def test_what_waits_too_long_is_passed_over():
    follower, out = turned(instrument_of(reverb_s=0.0)), np.zeros(80, np.float32)
    follower.set("noise_gain", -40.0)
    for frame in range(3 * MOST_WAITING):
        follower.hear(200.0 + frame, -20.0, 1.0)
    for _ in range(MOST_WAITING + 20):
        follower.process(out)
    sound = np.zeros(16000, np.float32)
    follower.process(sound)
    # the last that was told was 391 Hz
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(16000)))
    assert all(
        abs(int(spectrum[k * 391 - 50 : k * 391 + 50].argmax()) - 50) <= 1 for k in (1, 2, 3)
    )


def test_another_timbre_is_taken_over_without_a_click():
    instrument, melody = instrument_of(), performance()
    plain, moved = turned(instrument), turned(instrument)
    first = followed(plain, melody, 256, 8000)
    np.testing.assert_array_equal(followed(moved, melody, 256, 8000), first)
    moved.set_timbre(timbre_of(instrument, 8))
    after = np.zeros((2, 4000), np.float32)
    plain.process(after[0])
    moved.process(after[1])
    steps = np.abs(np.diff(np.append(first[-500:], after[1])))
    assert steps[490:].max() < 2 * max(steps[:490].max(), np.abs(np.diff(after[0])).max())


def test_gains_are_followed_without_a_click():
    follower = turned(instrument_of(reverb_s=0.0))
    for _ in range(2):
        follower.hear(250.0, -25.0, 1.0)
    before, after = np.zeros(16000, np.float32), np.zeros(16000, np.float32)
    follower.process(before)
    for control in TURNED:
        follower.set(control, -40.0)
    for _ in range(60):
        follower.hear(250.0, -25.0, 1.0)
    follower.process(after)
    steps = np.abs(np.diff(np.append(before[8000:], after)))
    assert steps[7990:].max() < 1.2 * steps[:7990].max()
    fallen_db = 20 * np.log10(np.std(before[-4000:]) / np.std(after[-4000:]))
    assert abs(fallen_db - 21) < 1.2


def test_what_does_not_fit_is_refused():
    instrument = instrument_of()
    follower = turned(instrument)
    with pytest.raises(BadInput, match="no control 'wobble': this instrument has harmonic_gain"):
        follower.set("wobble", 1.0)
    with pytest.raises(BadInput, match="timbre has shape"):
        follower.set_timbre(torch.zeros(3))
    with pytest.raises(BadInput, match="a sample rate of 0 Hz is outside"):
        instrument.follower(timbre_of(instrument), 0)
