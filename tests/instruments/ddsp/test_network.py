"""The networks: what they may know, and that all of them learns."""

from dataclasses import replace

import pytest
import torch

from timbrel.dsp.tracks import SILENT_DB, render_levels, silence
from timbrel.instruments.ddsp import Asked, DdspNetwork, DdspSettings

RATE = 16000


def network(**settings) -> DdspNetwork:
    torch.manual_seed(3)
    return DdspNetwork(DdspSettings(size="tiny", sample_rate=RATE, **settings))


def asked(frames: int = 60, batch: int = 2, loudness_db: float = -20.0) -> Asked:
    generator = torch.Generator().manual_seed(0)
    pitch = torch.rand(batch, frames, generator=generator)
    return Asked(
        220 * 2**pitch, torch.full((batch, frames), loudness_db), torch.ones(batch, frames)
    )


@pytest.mark.parametrize("decoder", ["gru", "transformer"])
def test_no_frame_knows_what_comes_later(decoder):
    decode, melody, latent = network(decoder=decoder).decoder, asked(), torch.randn(2, 16)
    other = Asked(*(torch.cat([curve[:, :40], curve[:, 40:] * 0.7], 1) for curve in melody))
    for now, then in zip(decode(latent, melody), decode(latent, other), strict=True):
        torch.testing.assert_close(now[:, :40], then[:, :40])
        assert not torch.allclose(now[:, 40:], then[:, 40:])


def test_the_transformer_forgets_what_lies_too_far_back():
    decode = network(decoder="transformer", looks_back=8).decoder
    latent, melody = torch.randn(2, 16), asked()
    other = Asked(*(torch.cat([curve[:, :10] * 0.7, curve[:, 10:]], 1) for curve in melody))
    now, then = decode(latent, melody).noise_db, decode(latent, other).noise_db
    reach = 10 + 2 * 8  # two layers look back one after the other
    torch.testing.assert_close(now[:, reach:], then[:, reach:])
    assert not torch.allclose(now[:, :reach], then[:, :reach])


def test_silence_is_silent():
    with torch.no_grad():
        said = network().decoder(torch.randn(2, 16), asked(loudness_db=-200.0))
    assert max(float(said.partial_db.max()), float(said.noise_db.max())) < SILENT_DB


@pytest.mark.parametrize("settings", [
    {}, {"decoder": "transformer"}, {"encoder": "mel"}, {"reverb_s": 0.1, "latent": 3},
    {"latent": 0},
])  # fmt: skip
def test_every_parameter_learns_from_sound(settings):
    net, melody = network(**settings), asked(frames=101)
    mean, log_variance = net.hear(0.1 * torch.randn(2, RATE))
    said = net.decoder(mean + (0.5 * log_variance).exp(), melody)
    tracks = replace(
        silence(2, frames=101, harmonics=36, bands=net.bands.n_bands),
        f0_hz=melody.f0_hz, harmonic_db=net.slots.spread(said.partial_db, 36),
        noise_db=said.noise_db,
    )  # fmt: skip
    net.room(render_levels(tracks, RATE)).abs().mean().backward()
    missing = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()]
    assert missing == []


def test_a_timbre_is_heard_at_any_level():
    hear = network().hear
    sound = torch.randn(1, RATE) * torch.linspace(0.1, 1, RATE)
    torch.testing.assert_close(hear(sound)[0], hear(0.01 * sound)[0], atol=1e-3, rtol=0)


def test_mfccs_are_orthonormal_cosines():
    from timbrel.instruments.ddsp.network import _cosines

    matrix = _cosines(64)
    torch.testing.assert_close(matrix.T @ matrix, torch.eye(30), atol=1e-5, rtol=0)
