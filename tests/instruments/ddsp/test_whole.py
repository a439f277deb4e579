"""Whole performances go two ways, with gradients and without, and sound alike."""

import pytest
import torch

from timbrel.instruments.ddsp import Asked, DdspNetwork, DdspSettings, Said, sound_of
from timbrel.instruments.ddsp.knobs import Knobs


def melodies(frames: int, lowest_hz: float) -> Asked:
    time_s = torch.arange(frames) / 200 + torch.tensor([[0.0], [1.0]])
    f0_hz = lowest_hz * 2 ** (1.5 + 1.5 * (7 * time_s).sin())
    return Asked(f0_hz, -30 + 10 * (9 * time_s).cos(), torch.ones_like(f0_hz))


@pytest.mark.parametrize(
    ("sample_rate", "frames", "lowest_hz"),
    [(16000, 400, 150.0), (22050, 33, 45.0), (48000, 100, 700.0), (16000, 2, 300.0)],
)
def test_nothing_learned_sounds_as_something_learned(
    sample_rate: int, frames: int, lowest_hz: float
) -> None:
    torch.manual_seed(0)
    network = DdspNetwork(
        DdspSettings(size="tiny", latent=0, sample_rate=sample_rate, reverb_s=0.1)
    )
    asked, takes = melodies(frames, lowest_hz), torch.tensor([7, 70000])
    knobs = Knobs(harmonic_gain=-6.0, noise_gain=-9.0, reverb_gain=4.0)
    with torch.no_grad():
        said = network.decoder(torch.zeros(2, 0), asked)
        quick = sound_of(network, asked, said, knobs, noise_start=takes)
    learned = Said(*(curve.clone().requires_grad_() for curve in said))
    sound = sound_of(network, asked, learned, knobs, noise_start=takes)
    assert sound.requires_grad
    slow = sound.detach()
    assert quick.shape == slow.shape == (2, round((frames - 1) / 200 * sample_rate))
    assert float(slow.abs().max()) > 0.05
    assert float((quick - slow).abs().max()) < 5e-6 * max(1.0, float(slow.abs().max()))
