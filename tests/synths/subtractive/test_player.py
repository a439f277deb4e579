"""Played block by block it is what is rendered; what is turned moves without a click."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from timbrel.errors import BadInput
from timbrel.sound import Notes
from timbrel.synths.subtractive import PARAMETERS, Subtractive
from timbrel.synths.subtractive.player import SubtractivePlayer

RATE = 44100
SILENT = PARAMETERS.vector({"amp_velocity": 1.0})
SINE = PARAMETERS.vector(
    {
        "osc1_waveform": 4,
        "cutoff_hz": 4000.0,
        "amp_sustain": 1.0,
        "amp_velocity": 0.0,
        "amp_release_s": 0.005,
    }
)


def blocks(player: SubtractivePlayer, count: int, size: int = 64) -> np.ndarray:
    out = np.zeros((count, size), np.float32)
    for block in out:
        player.process(block)
    return out.reshape(-1)


@pytest.mark.parametrize("size", [1, 64, 65, 128, 512, 513])
def test_blocks_are_what_is_rendered(synth: Subtractive, patches: Tensor, size: int) -> None:
    for i in range(1 if size == 1 else 4):
        n_held = 3000 // size
        notes = Notes.of(47.3 + 5 * i, 0.7, n_held * size / RATE)
        rendered = synth.render(patches[i], notes, longest_s=0.2).audio[0].numpy()
        player = synth.player(3, RATE)
        # so that its ticks fall elsewhere
        player.note_on(1, 40.0, 0.0, SILENT)
        blocks(player, 1, 77)
        player.note_on(2, 47.3 + 5 * i, 0.7, patches[i])
        held = blocks(player, n_held, size)
        player.note_off(2)
        left = blocks(player, -(-(len(rendered) - len(held)) // size), size)
        played = np.concatenate([held, left])[: len(rendered)]
        np.testing.assert_allclose(played, rendered, atol=1e-6)


def test_stolen_notes_fade_and_voices_come_back(synth: Subtractive) -> None:
    player = synth.player(2, RATE)
    player.set_timbre(SINE)
    for note in range(5):
        player.note_on(note, 60.0 + note, 0.8)
        sound = blocks(player, 8)
        # the steepest that two notes of this height and two that fade can be
        assert np.abs(np.diff(sound)).max() < 0.2
    assert player.active_voices == 2
    for note in range(5):
        player.note_off(note)
    blocks(player, RATE // 64)
    assert player.active_voices == 0
    assert not blocks(player, 2).any()


def test_silence_is_silent_after_its_time(synth: Subtractive, patches: Tensor) -> None:
    player = synth.player(4, RATE)
    for note in range(4):
        player.note_on(note, 50.0 + note, 1.0, patches[note])
    blocks(player, 20)
    player.silence()
    blocks(player, 1, RATE // 100)
    assert player.active_voices == 0
    assert not blocks(player, 1).any()


def test_a_new_timbre_does_not_click(synth: Subtractive) -> None:
    square = PARAMETERS.vector({"osc1_waveform": 1, "cutoff_hz": 4000.0, "filter_type": 1,
                                "amp_sustain": 1.0, "amp_velocity": 0.0})  # fmt: skip
    player = synth.player(2, RATE)
    player.set_timbre(SINE)
    player.note_on(1, 45.0, 1.0)
    before = blocks(player, 100)
    player.set_timbre(square)
    moving = blocks(player, 40)
    after = blocks(player, 100)
    steepest = max(np.abs(np.diff(before)).max(), np.abs(np.diff(after)).max())
    assert np.abs(np.diff(moving)).max() < 1.5 * steepest
    assert np.abs(after).max() > 0.1


def test_a_slur_goes_on_and_arrives(synth: Subtractive) -> None:
    player = synth.player(2, RATE)
    player.set_timbre(SINE)
    player.note_on(1, 57.0, 0.8)
    before = blocks(player, 100)
    player.slur(1, 2, 69.0, 0.8)
    moving = blocks(player, 30)
    after = blocks(player, 1, RATE)
    assert player.active_voices == 1
    steepest = 1.2 * max(np.abs(np.diff(before)).max(), np.abs(np.diff(after)).max())
    assert np.abs(np.diff(moving)).max() < steepest
    assert np.abs(np.fft.rfft(after)).argmax() == pytest.approx(440, abs=1)
    player.note_off(2)
    blocks(player, RATE // 64)
    assert player.active_voices == 0


def test_bend_and_glide_move_the_pitch(synth: Subtractive) -> None:
    player = synth.player(2, RATE)
    player.set_timbre(SINE)
    player.note_on(1, 57.0, 0.8)
    player.bend(12.0)
    assert np.abs(np.fft.rfft(blocks(player, 1, RATE))).argmax() == pytest.approx(440, abs=1)
    player.bend(0.0)
    player.set("glide", 0.2)
    player.note_on(2, 81.0, 0.8)
    player.note_off(1)
    early = blocks(player, 1, 4096)
    assert 250 < np.abs(np.fft.rfft(early)).argmax() * RATE / 4096 < 700
    blocks(player, 1, RATE)
    assert np.abs(np.fft.rfft(blocks(player, 1, RATE))).argmax() == pytest.approx(880, abs=1)


def test_controls_are_those_of_render(synth: Subtractive) -> None:
    patch = PARAMETERS.vector({"cutoff_hz": 800.0, "amp_sustain": 1.0})
    turned = {"brightness": 2.0, "drive": 12.0, "resonance": 0.4, "attack": 3.0}
    rendered = synth.render(patch, Notes.of(48.0, 0.8, 1.0), turned).audio[0, :4096].numpy()
    player = synth.player(1, RATE)
    for name, value in turned.items():
        player.set(name, value)
    player.note_on(1, 48.0, 0.8, patch)
    np.testing.assert_allclose(blocks(player, 64), rendered, atol=1e-6)
    with pytest.raises(BadInput, match="no control 'cutoff': this instrument has brightness"):
        player.set("cutoff", 1.0)
    with pytest.raises(BadInput, match="no control 'cutoff': subtractive has brightness"):
        synth.render(patch, Notes.of(48.0), {"cutoff": 1.0})


def test_what_cannot_be_played_is_said(synth: Subtractive) -> None:
    with pytest.raises(BadInput, match="0 voices"):
        synth.player(0, RATE)
    player = synth.player(1, RATE)
    with pytest.raises(BadInput, match="pitch is nan"):
        player.note_on(1, float("nan"), 0.5)
    with pytest.raises(BadInput, match=r"wanted \[46\]"):
        player.set_timbre(torch.zeros(3))
