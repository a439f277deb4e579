"""The networks: what they are told matters, and what cannot matter does not."""

from __future__ import annotations

import pytest
import torch

from timbrel.dsp.tracks.bands import Bands
from timbrel.instruments.harmonic.course import N_HEARD, Course
from timbrel.instruments.harmonic.network import (
    LOWEST_HZ,
    HarmonicNetwork,
    HarmonicSettings,
)

PITCH = torch.tensor([45.0, 60.0, 73.0])
VELOCITY = torch.tensor([0.3, 0.6, 0.9])


@pytest.fixture(params=[16000, 48000])
def network(request: pytest.FixtureRequest) -> HarmonicNetwork:
    torch.manual_seed(0)
    return HarmonicNetwork(HarmonicSettings(size="tiny", sample_rate=request.param, latent=8))


@pytest.fixture
def heard(network: HarmonicNetwork) -> Course:
    return Course(
        -40 - 30 * torch.rand(3, N_HEARD, network.slots.n_slots),
        -60 - 30 * torch.rand(3, N_HEARD, network.bands.n_bands),
    )


def said(network: HarmonicNetwork, moment_s, released_s, latent=None, pitch=PITCH) -> Course:
    latent = torch.linspace(-1, 1, 24).reshape(3, 8) if latent is None else latent
    times = (torch.tensor(x).expand(3, -1) for x in (moment_s, released_s))
    return network.decoder(latent, pitch, VELOCITY, *times)


def test_slots_reach_nyquist_at_the_lowest_note(network: HarmonicNetwork) -> None:
    highest = network.slots.firsts[-1] + network.slots.counts[-1] - 1
    assert highest * LOWEST_HZ >= network.settings.sample_rate / 2


def test_a_latent_does_not_know_the_level(network: HarmonicNetwork, heard: Course) -> None:
    mean, log_variance = network.encode(heard, PITCH)
    assert mean.shape == log_variance.shape == (3, 8)
    softer = network.encode(Course(*(levels - 23 for levels in heard)), PITCH)
    torch.testing.assert_close(softer[0], mean, atol=1e-4, rtol=1e-4)


def test_a_latent_knows_the_course_and_the_pitch(network: HarmonicNetwork, heard: Course) -> None:
    mean, _ = network.encode(heard, PITCH)
    other, _ = network.encode(heard._replace(partial_db=heard.partial_db.flip(1)), PITCH)
    assert (other - mean).abs().max() > 1e-3
    assert (network.encode(heard, PITCH + 7)[0] - mean).abs().max() > 1e-4


def test_a_batch_says_what_single_notes_say(network: HarmonicNetwork, heard: Course) -> None:
    mean, _ = network.encode(heard, PITCH)
    together = said(network, [0.0, 0.1, 2.0], [-1.0, 0.0, 0.5])
    latent = torch.linspace(-1, 1, 24).reshape(3, 8)
    for i in range(3):
        one = slice(i, i + 1)
        alone, _ = network.encode(Course(*(levels[one] for levels in heard)), PITCH[one])
        torch.testing.assert_close(alone, mean[one], atol=1e-5, rtol=1e-4)
        moment_s, released_s = torch.tensor([[0.0, 0.1, 2.0]]), torch.tensor([[-1.0, 0.0, 0.5]])
        course = network.decoder(latent[one], PITCH[one], VELOCITY[one], moment_s, released_s)
        for levels, batched in zip(course, together, strict=True):
            torch.testing.assert_close(levels, batched[one], atol=1e-3, rtol=1e-4)


def test_moments_are_asked_for_in_any_order(network: HarmonicNetwork) -> None:
    forth = said(network, [0.0, 0.2, 1.5], [-1.0, 0.1, 0.4])
    back = said(network, [1.5, 0.2, 0.0], [0.4, 0.1, -1.0])
    for a, b in zip(forth, back, strict=True):
        torch.testing.assert_close(a, b.flip(1), atol=1e-3, rtol=1e-4)


def test_before_the_release_it_does_not_matter_when_that_will_be(network: HarmonicNetwork) -> None:
    for a, b in zip(said(network, [0.5], [-0.1]), said(network, [0.5], [-3.0]), strict=True):
        assert torch.equal(a, b)


def test_a_released_note_never_rises_and_the_fall_has_no_jump(network: HarmonicNetwork) -> None:
    since = [0.0, 1e-5, 0.01, 0.05, 0.3]
    course = said(network, [1.0] * 5, since)
    for levels in course:
        fallen = levels[:, :1] - levels
        assert (fallen >= 0).all()
        assert (fallen[:, 1] < 0.1).all()
        assert (fallen[:, 3] > 0).all()


def test_gradients_reach_the_latent(network: HarmonicNetwork) -> None:
    latent = torch.zeros(3, 8, requires_grad=True)
    sum(levels.sum() for levels in said(network, [0.0, 1.0], [-1.0, 0.2], latent)).backward()
    assert latent.grad is not None
    assert (latent.grad.abs().sum(1) > 0).all()


def test_a_body_stays_where_it_is(network: HarmonicNetwork) -> None:
    """What is said of a band reaches the partial at its frequency, at any pitch."""
    shares = network.decoder._bands_of_slots(PITCH)
    centres_hz = network.bands.centres_hz()
    hz = 440 * 2 ** ((PITCH - 69) / 12)
    for note in range(3):
        frequency_hz = hz[note] * network.slots.centres
        inside = (frequency_hz > centres_hz[0]) & (frequency_hz < centres_hz[-1])
        # linear between centres in mel: what is read of the mel scale is the mel of the partial
        mel = 2595 * (1 + centres_hz / 700).log10() @ shares[note]
        wanted = 2595 * (1 + frequency_hz / 700).log10()
        assert (mel - wanted)[inside].abs().max() < 0.1


@pytest.mark.parametrize("rate", [16000, 48000])
def test_shares_sum_to_one_even_beyond_the_bands(rate: int) -> None:
    frequency_hz = torch.tensor([0.0, 20.0, 100.0, 3000.0, rate / 2, rate * 2.0])
    shares = Bands(rate).interpolation(frequency_hz)
    assert shares.shape == (Bands(rate).n_bands, 6)
    torch.testing.assert_close(shares.sum(0), torch.ones(6))
    assert bool((shares >= 0).all())


def test_sizes_grow() -> None:
    counts = [
        sum(p.numel() for p in HarmonicNetwork(HarmonicSettings(size=size)).parameters())
        for size in ("tiny", "small", "base")
    ]
    assert counts[0] < 0.2 * counts[1]
    assert counts == sorted(counts)
    # base, at 16 and 48 kHz together, in half precision, has 6 MB
    assert counts[2] < 1.6e6
