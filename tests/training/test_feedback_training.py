"""Trained on a correction, a network answers that sound with nearly that patch."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from timbrel.config import make_settings, to_toml
from timbrel.data.presets.feedback import CollectedSettings, collect_feedback
from timbrel.data.presets.plan import NoteSettings
from timbrel.instruments.model_folder import weights_hash
from timbrel.instruments.preset import Preset
from timbrel.instruments.preset.answers import Answer
from timbrel.instruments.preset.feedback.judgement import JudgedSound, Judgement
from timbrel.instruments.preset.feedback.store import FeedbackStore
from timbrel.instruments.preset.feedback.taste import Opinions
from timbrel.instruments.preset.hearing.heard_bytes import sound_id
from timbrel.instruments.preset.hearing.target import Target, target_of
from timbrel.instruments.preset.network import PresetSettings
from timbrel.sound import Notes
from timbrel.synths import Parameters
from timbrel.timbre import Bank
from timbrel.training import run
from timbrel.training.preset.objective import PresetTraining

TINY = {"synth": "subtractive", "size": "tiny", "latent": 16, "point": 8}


@pytest.fixture(scope="module")
def target() -> Target:
    time_s = torch.arange(33075) / 44100
    bell = sum(torch.sin(2 * torch.pi * 220.0 * k * time_s) / k for k in (1, 2.7, 5.4))
    return target_of(0.2 * bell * torch.exp(-3 * time_s))


def apart(knobs: Parameters, answer: Answer, right: torch.Tensor) -> float:
    """Mean distance of the answer's knobs from those of a patch."""
    return float((answer.knobs[0] - right[~knobs.is_switch]).abs().mean())


@pytest.mark.slow
def test_training_on_a_correction_moves_the_answer_towards_it(
    target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # hundreds of patches rendered, which this is not about
    monkeypatch.setattr(
        "timbrel.training.preset.objective.preset_bank", lambda one: (Bank(one.fingerprint), None)
    )
    torch.manual_seed(0)
    before = Preset(make_settings(PresetSettings, TINY))
    knobs = before.synth.parameters
    before.save(tmp_path / "old")
    settings = make_settings(PresetTraining, {
        "family": "preset", "size": "tiny", "model": TINY,
        "loop": {"batch_size": 4, "workers": 0, "device": "cpu", "ema_decay": 0.5, "threads": 1,
                 "preview_every": 0, "validate_every": 0, "save_every": 0, "warmup_steps": 2},
    })  # fmt: skip
    (tmp_path / "old" / "training.toml").write_text(to_toml(settings))

    right = knobs.space.sample(1, generator=torch.Generator().manual_seed(3))[0]
    store = FeedbackStore(tmp_path / "feedback.sqlite")
    store.add(Judgement(
        "subtractive", knobs.names, right, "right", Notes.of(target.pitch, 0.8, 0.7),
        sound_id(target.heard), "bell.wav", "correction",
    ), JudgedSound.of(target))  # fmt: skip
    few = NoteSettings(each=1, shortest_s=0.3, longest_s=0.6, held=0.0)
    collect_feedback(store, tmp_path / "mine", CollectedSettings(
        around=4, random=6, activity=0, validation=0.0, notes=few,
    ))  # fmt: skip
    overrides = [
        f"data.train={tmp_path / 'mine'}", "loop.steps=50", "loop.learning_rate=1e-2",
        "recommender.steps=20",
    ]  # fmt: skip
    after = Preset.load(run(None, overrides, tmp_path / "run", initial=tmp_path / "old"))

    pitch = torch.tensor([target.pitch])
    with torch.no_grad():
        answers = [one.network.eval().answer(target.heard, pitch) for one in (before, after)]
    distances = [apart(knobs, answer, right) for answer in answers]
    assert distances[1] < 0.6 * distances[0]
    held_s = [abs(float(answer.held_s[0]) - 0.7) for answer in answers]
    assert held_s[1] < 0.5 * held_s[0]

    # the new model is told where the old sound lies
    opinions = Opinions.of(store, after.synth, after.network)
    assert opinions is not None
    assert store.points(weights_hash(after.network)).keys() == {sound_id(target.heard)}
    taste = opinions.about(target.heard, opinions.points[0])
    torch.testing.assert_close(taste.corrections()[0].vector, right, atol=1e-6, rtol=0)
