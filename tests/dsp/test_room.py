"""The room: physics of what dies away, and a convolution with a second implementation."""

import math

import numpy as np
import pytest
import torch
from scipy import signal

from timbrel.dsp.room import PRE_DELAY_S, Room, convolved
from timbrel.dsp.tracks.bands import Bands
from timbrel.dsp.tracks.noise import noise_bank

RATE = 16000


def room(level_db: float, decay_s: float, length_s: float = 1.0) -> Room:
    made = Room(RATE, length_s)
    with torch.no_grad():
        made.level.fill_(level_db / 10)
        made.decay.fill_(math.log(decay_s))
    return made


def test_it_falls_by_sixty_db_in_its_time():
    response = room(-20.0, 0.6).response().detach()
    level_db = 10 * response.reshape(-1, RATE // 20).square().mean(1).log10()
    assert abs(float(level_db[2] - level_db[14]) - 60) < 2


def test_each_band_has_its_own_level_and_time():
    made, bands = room(-90.0, 0.3), Bands(RATE)
    with torch.no_grad():
        made.level[20] = -1.0
    power = torch.fft.rfft(made.response().detach()).abs().square()
    frequency_hz = torch.fft.rfftfreq(made.length, 1 / RATE)
    mean_hz = float((power * frequency_hz).sum() / power.sum())
    assert abs(mean_hz / float(bands.centres_hz()[20]) - 1) < 0.05


def test_noise_that_ends_sooner_than_the_room_goes_round():
    bank = noise_bank(RATE)
    made = room(-20.0, 3.0, 5.0)
    assert made.noise.shape == (len(bank.lengths), 5 * RATE)
    for noise, kept, once in zip(made.noise.numpy(), bank.samples, bank.lengths, strict=True):
        np.testing.assert_array_equal(noise[: len(kept)], kept)
        np.testing.assert_array_equal(noise[once:], noise[: len(noise) - once])
    level_db = 10 * made.response().detach().reshape(-1, RATE // 20).square().mean(1).log10()
    assert float(level_db[2] - level_db[82]) == pytest.approx(80, abs=3)


def test_nothing_comes_back_before_its_time():
    response = room(-20.0, 0.6).response().detach()
    silent = int(PRE_DELAY_S * RATE)
    assert not response[: silent + 1].any()
    assert response[silent + 1 : silent + 40].all()


def test_it_is_convolved_as_scipy_does():
    audio, response = torch.randn(2, 500), torch.randn(70)
    wanted = np.stack([signal.fftconvolve(x, response.numpy())[:500] for x in audio.numpy()])
    np.testing.assert_allclose(convolved(audio, response).numpy(), wanted, atol=1e-4)


def test_it_is_the_same_room_at_another_rate():
    known = room(-20.0, 0.3, 0.5)
    power = known.response().detach().square().sum()
    for sample_rate in (8000, 44100, 48000):
        there = known.at(sample_rate).response().detach()
        spectrum = torch.fft.rfft(there.double()).abs().square()
        frequency_hz = torch.fft.rfftfreq(len(there), 1 / sample_rate)
        # a band's level is the RMS of its noise, whatever the rate
        ratio = there.square().sum() / sample_rate / (power / RATE)
        assert abs(10 * float(ratio.log10())) < (4 if sample_rate < RATE else 0.5)
        assert float(spectrum[frequency_hz > 8600].sum()) < 1e-4 * float(spectrum.sum())
        assert len(there) == sample_rate // 2


@pytest.mark.parametrize("length", [900, 4096, 4097, 20000])
def test_a_long_sound_is_convolved_part_by_part(length: int):
    audio, response = torch.randn(2, 3, length), torch.randn(1000)
    whole = convolved(audio, response)
    with torch.no_grad():
        parts = convolved(audio, response)
    assert parts.shape == whole.shape
    torch.testing.assert_close(parts, whole, atol=2e-4, rtol=0)


def test_what_was_learned_since_is_heard_at_once():
    made, click = room(-20.0, 0.3, 0.2), torch.zeros(3000)
    click[0] = 1.0
    with torch.no_grad():
        before = made(click)
        made.level.data.sub_(2.0)
        after = made(click)
    torch.testing.assert_close(10 * (after[100:] - click[100:]), before[100:] - click[100:])


def test_no_length_is_no_room():
    audio = torch.randn(100)
    assert torch.equal(room(0.0, 0.5, 0.0)(audio), audio)


def test_its_numbers_are_learned():
    truth, learned = room(-30.0, 0.5, 0.5), room(-50.0, 0.15, 0.5)
    click = torch.zeros(RATE // 2)
    click[0] = 1.0

    def levels(made: Room) -> torch.Tensor:
        power = made(click)[80:].unfold(0, 800, 400).square().mean(1)
        return 10 * (power + 1e-12).log10()

    wanted = levels(truth).detach()
    optimizer = torch.optim.Adam(learned.parameters(), lr=0.05)
    for _ in range(150):
        optimizer.zero_grad()
        (levels(learned) - wanted).abs().mean().backward()
        optimizer.step()
    assert float((levels(learned).detach() - wanted).abs().mean()) < 2.0
