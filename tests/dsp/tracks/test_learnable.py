"""Compiled gradients, held to those of the definition."""

from dataclasses import replace

import pytest
import torch

from timbrel.dsp.tracks import Tracks, render_levels, render_tracks, silence, synthesise


def gradients(render, notes: Tracks, sample_rate: int, **options):
    """Of a loss that weighs every sample differently."""
    levels = [curve.clone().requires_grad_() for curve in (notes.harmonic_db, notes.noise_db)]
    audio = render(
        replace(notes, harmonic_db=levels[0], noise_db=levels[1]), sample_rate, **options
    )
    weight = torch.randn(audio.shape, generator=torch.Generator().manual_seed(1))
    (audio * weight.to(audio)).sum().backward()
    return audio.detach(), *(curve.grad for curve in levels)


@pytest.mark.parametrize("rate", [16000, 44100, 48000])
@pytest.mark.parametrize("length", [None, 79, 20000])
def test_sound_and_gradients_are_the_definitions(random_notes, rate, length):
    start, noise_start = torch.rand(3, 12), torch.tensor([0, 7, 10**9])
    options = {"length": length, "start": start, "noise_start": noise_start}
    ours = gradients(render_levels, random_notes, rate, **options)
    # a last frame that holds on for long is a sum of many: single precision shows in it
    defined = gradients(synthesise, random_notes.map(torch.Tensor.double), rate, **options)
    assert (ours[0] - defined[0]).abs().max() < 2e-5
    for got, wanted in zip(ours[1:], defined[1:], strict=True):
        assert wanted.abs().max() > 0.01
        assert (got - wanted).abs().max() < 2e-5 * wanted.abs().max()


def test_threads_change_nothing(random_notes, monkeypatch):
    alone = gradients(render_levels, random_notes, 16000)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    for got, wanted in zip(gradients(render_levels, random_notes, 16000), alone, strict=True):
        assert torch.equal(got, wanted)


def test_it_sounds_as_what_is_played(random_notes):
    difference = render_levels(random_notes, 48000) - render_tracks(random_notes, 48000)
    assert difference.abs().max() < 1e-5


def test_what_is_silent_wants_nothing():
    note = silence(frames=41, harmonics=4, bands=40)
    note.f0_hz[:] = 440.0
    note.harmonic_db[:, 1] = -20.0
    _, of_partials, of_noise = gradients(render_levels, note, 16000)
    assert of_partials[:, [0, 2, 3]].abs().max() == of_noise.abs().max() == 0
    assert (of_partials[:, 1] != 0).all()


def test_partials_above_nyquist_want_nothing():
    note = silence(frames=41, harmonics=3, bands=40)
    note.f0_hz[:], note.harmonic_db[:] = 3000.0, -20.0
    _, of_partials, _ = gradients(render_levels, note, 16000)
    assert of_partials[:, 2].abs().max() == 0
    assert of_partials[:, 1].abs().min() > 0
