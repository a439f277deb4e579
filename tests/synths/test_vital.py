"""Vital in its child processes."""

from __future__ import annotations

import json

import pytest
import torch

from timbrel.errors import Unsupported
from timbrel.sound import Notes
from timbrel.synths import load_synth

pytestmark = pytest.mark.needs("vital")
NOTE = Notes.of(57, 1.0, 0.5)


@pytest.fixture(scope="module")
def vital():
    synth = load_synth("vital")
    yield synth
    synth.host.end()


def test_its_knobs_are_its_own(vital):
    knobs = {control.name: control for control in vital.parameters}
    assert len(knobs) == 772
    assert knobs["filter_1_model"].choices[:2] == ("Analog", "Dirty")
    assert knobs["osc_1_unison_voices"].choices == tuple(map(str, range(1, 17)))
    assert knobs["osc_1_level"].default == pytest.approx(0.7071, abs=1e-4)


def test_renders_are_repeatable(vital):
    vector = vital.parameters.vector({"osc_1_random_phase": 1.0, "osc_1_unison_voices": 7})
    first, second = vital.render(vector, NOTE).audio, vital.render(vector, NOTE).audio
    other = load_synth("vital")
    assert torch.equal(first, second)
    assert torch.equal(first, other.render(vector, NOTE).audio)
    other.host.end()


@pytest.mark.parametrize("pitch", [57.0, 57.4])
def test_pitches_between_keys_are_played(vital, pitch):
    audio = vital.render(vital.parameters.defaults, Notes.of(pitch, 1.0, 1.0)).audio[0, 4410:44100]
    bins = torch.fft.rfft(audio * torch.hann_window(len(audio))).abs()
    got = float(bins.argmax()) * 44100 / len(audio)
    assert got == pytest.approx(440 * 2 ** ((pitch - 69) / 12), abs=0.6)


def test_bends_are_not_for_it(vital):
    bent = Notes(torch.tensor([60.0]), torch.ones(1), torch.ones(1), torch.full((1, 2), 0.5))
    with pytest.raises(Unsupported, match=r"vital was to bend a note by 0\.5 semitones"):
        vital.render(vital.parameters.defaults, bent)


def test_a_preset_text_sounds_like_its_knobs(vital):
    knobs = {"osc_1_level": 0.4, "filter_1_on": 1.0, "filter_1_cutoff": 50.0}
    text = vital.preset(knobs)
    assert json.loads(text)["settings"]["filter_1_cutoff"] == 50.0
    ours = vital.render(vital.parameters.vector(knobs), NOTE).audio
    difference = vital.render_preset(text, NOTE).audio - ours  # positions are single precision
    assert float(difference.norm() / ours.norm()) < 1e-3
