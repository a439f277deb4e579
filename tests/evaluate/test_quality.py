import math

import pytest
import torch

from timbrel.errors import BadInput, Unsupported
from timbrel.evaluate import evaluate_instrument
from timbrel.evaluate.quality import render_trials
from timbrel.evaluate.trials import Trial
from timbrel.instruments.sine import Sine
from timbrel.sound import Notes


class OctaveOff(Sine):
    """Plays everything an octave too high, and half as loud."""

    def render(self, notes, timbre, controls=None, *, generator=None):
        notes = Notes(notes.pitch + 12, notes.velocity / 2, notes.duration_s)
        return super().render(notes, timbre)


class Deaf(Sine):
    abilities = frozenset()

    def encode(self, audio, *, pitch=None, seconds=0.0, generator=None):
        raise self._cannot("encode")


@pytest.fixture(scope="module")
def figures(sine_folder):
    return evaluate_instrument(Sine(), sine_folder, notes=5)


def test_an_exact_instrument_is_exact(figures):
    """The set holds `sine` notes: `sine` must hear them and play them at any pitch."""
    for what in ("self", "other_pitch", "octave_and_beyond", "12", "minus_24"):
        assert figures[f"mss_{what}"] < 0.6
        assert figures[f"log_mel_l1_{what}"] < 0.6
        assert figures[f"pitch_accuracy_{what}"] > 0.97
        assert figures[f"pitch_accuracy_{what}_real"] > 0.97
    assert figures["attack_error_ms_self"] < 3
    assert figures["notes_self"] == figures["notes_other_pitch"] == 5
    assert figures["tracked_share_self"] == 1.0


def test_baselines_stand_beside(figures):
    assert figures["mss_self_shifted"] == pytest.approx(0.0, abs=1e-4)
    assert figures["log_mel_l1_12_shifted"] > 1.0
    assert 0.3 < figures["log_mel_l1_other_pitch_ceiling"] < 8.0
    assert not [key for key in figures if "unseen" in key]


def test_a_wrong_instrument_is_found_out(sines):
    figures = evaluate_instrument(OctaveOff(), sines, notes=5)
    assert figures["pitch_accuracy_self"] < 0.1
    assert figures["pitch_accuracy_other_pitch"] < 0.1
    assert figures["log_mel_l1_self"] > 5.0


def test_figures_are_the_same_again_and_told_as_they_come(sines, figures):
    told = []
    again = evaluate_instrument(Sine(), sines, notes=5, progress=lambda *now: told.append(now))
    assert again == pytest.approx(figures, nan_ok=True, abs=0)
    assert told == [("judging notes", i + 1, 10) for i in range(-1, 10)]


def test_two_splits_have_two_endings(tmp_path, sine_folder):
    for split in ("valid", "test"):
        (tmp_path / f"nsynth-{split}").symlink_to(sine_folder)
    figures = evaluate_instrument(Sine(), tmp_path, notes=1)
    assert figures["mss_self_unseen_ceiling"] == figures["mss_self_ceiling"]
    assert {k.replace("_unseen", "") for k in figures if "_unseen" in k} == {
        k for k in figures if "_unseen" not in k
    }


def test_what_a_set_does_not_hold_is_nan(sines):
    alone = sines.subset([0])
    figures = evaluate_instrument(Sine(), alone, notes=5)
    assert figures["notes_12"] == 0
    assert math.isnan(figures["tracked_share_12"])


def test_an_instrument_that_cannot_hear(sines):
    with pytest.raises(Unsupported, match="sine cannot encode"):
        evaluate_instrument(Deaf(), sines, notes=1)


def test_no_notes(tmp_path):
    with pytest.raises(BadInput, match="no note set at"):
        evaluate_instrument(Sine(), tmp_path / "none")


def test_renders_keep_pitch_velocity_and_hold(sines):
    low, high = (sines.names.index(f"flute_acoustic_000-{p:03d}-100") for p in (48, 72))
    rendered = next(render_trials(Sine(), sines, [Trial(low, high)]))
    assert float((rendered - sines.audio(high)).abs().max()) < 1e-3
    assert torch.equal(rendered, next(render_trials(Sine(), sines, [Trial(low, high)])))
