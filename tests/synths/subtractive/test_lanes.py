"""The compiled lanes are the tensors, over random patches, whoever else is rendered with them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from timbrel.sound import Notes
from timbrel.synths.subtractive import PARAMETERS, Subtractive, plain
from timbrel.synths.subtractive.curves import TICK, off_ticks
from timbrel.synths.subtractive.rendering import render_lanes
from timbrel.synths.subtractive.voicing import voice

N_TICKS = 120


def notes_of(count: int, duration_s: float = 0.04) -> Notes:
    spread = torch.linspace(0, 1, count)
    bend = 2 * torch.linspace(0, 1, 9).sin() * torch.linspace(-1, 1, count)[:, None]
    return Notes(
        24.3 + 72 * spread, 0.2 + 0.8 * spread, torch.full((count,), duration_s), bend.contiguous()
    )


@pytest.mark.parametrize("sample_rate", [16000, 44100, 48000])
def test_error_against_the_tensors(patches: Tensor, sample_rate: int) -> None:
    notes = notes_of(len(patches))
    voicing = voice(patches, notes.pitch, notes.velocity, {"vibrato": 40.0}, sample_rate)
    ends, off = torch.full((len(notes),), N_TICKS), off_ticks(notes, sample_rate)
    compiled = render_lanes(voicing, notes, off, ends, sample_rate)
    truth = plain.play(voicing, notes, N_TICKS, sample_rate)
    assert float(truth.abs().max()) > 0.1
    assert float((compiled - truth).abs().max()) < 2e-5


@pytest.mark.parametrize("wave", range(6))
def test_error_with_each_wave_synced(wave: int) -> None:
    knobs = {"osc2_waveform": wave, "osc2_sync": 1, "osc_mix": 1.0, "cutoff_hz": 16000.0}
    patch = PARAMETERS.vector(knobs | {"pitch_envelope_semitones": 30.0, "pitch_envelope_to": 1})
    notes = notes_of(6)
    voicing = voice(patch.expand(6, -1), notes.pitch, notes.velocity, {}, 44100)
    ends, off = torch.full((6,), N_TICKS), off_ticks(notes, 44100)
    compiled = render_lanes(voicing, notes, off, ends, 44100)
    truth = plain.play(voicing, notes, N_TICKS, 44100)
    assert float((compiled - truth).abs().max()) < 1e-4


def test_batch_is_singles_to_the_bit(synth: Subtractive, patches: Tensor) -> None:
    notes = notes_of(len(patches))
    together = synth.render(patches, notes, longest_s=0.3)
    for i in range(len(patches)):
        alone = synth.render(patches[i], notes[i : i + 1], longest_s=0.3)
        assert int(alone.lengths[0]) == int(together.lengths[i])
        assert torch.equal(alone.audio[0], together.audio[i, : alone.audio.shape[1]])
    again = synth.render(patches, notes, longest_s=0.3)
    assert torch.equal(again.audio, together.audio)


def test_gradients_reach_what_is_no_pitch_and_no_switch() -> None:
    patch = PARAMETERS.vector(
        {"cutoff_hz": 1000.0, "filter_envelope_octaves": 2.0, "drive_db": 9.0, "reverb_mix": 0.3,
         "noise_level": 0.2, "unison": 0.4, "osc_mix": 0.4}
    )  # fmt: skip
    patch = patch[None].requires_grad_()
    notes = Notes.of(50.0, 0.7, 0.02)
    voicing = voice(patch, notes.pitch, notes.velocity, {}, 16000)
    plain.play(voicing, notes, 1280 // TICK, 16000).pow(2).sum().backward()
    assert patch.grad is not None
    reached = dict(zip(PARAMETERS.names, patch.grad[0].tolist(), strict=True))
    for name in (
        "cutoff_hz", "resonance", "drive_db", "level_db", "noise_level", "osc_mix", "unison",
        "amp_attack_s", "amp_decay_s", "amp_sustain", "amp_release_s", "filter_decay_s",
        "filter_envelope_octaves", "key_tracking", "reverb_mix",
    ):  # fmt: skip
        assert reached[name] != 0.0, name
