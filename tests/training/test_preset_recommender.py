"""The recommender learns how patches sound and which are usual, from a set made by the pipeline."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from timbrel.data.presets.building import build_presets
from timbrel.data.presets.plan import NoteSettings, PresetSetSettings
from timbrel.data.presets.preset_set import PresetSet
from timbrel.instruments.preset import recommending
from timbrel.instruments.preset.hearing.heard import hear, pitches_heard
from timbrel.instruments.preset.recommender import Recommender
from timbrel.instruments.preset.recommending import suggest
from timbrel.instruments.preset.wishes import wish_of
from timbrel.sound import Notes
from timbrel.synths import load_synth
from timbrel.training.preset.parameter_loss import ParameterLoss
from timbrel.training.preset.recommender import (
    RecommenderTraining,
    described_notes,
    learn_recommender,
)

SET = PresetSetSettings(
    banks=(), random=96, activity=0, validation=0.0, test=0.2,
    notes=NoteSettings(each=1, lowest=60, highest=60, held=1.0, softest=0.8),
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("presets") / "set"
    build_presets(folder, SET, processes=0)
    return folder


@pytest.fixture(scope="module")
def recommender(folder: Path) -> Recommender:
    presets = PresetSet(folder, "train")
    parameters = presets.parameters
    torch.manual_seed(0)
    recommender = Recommender(parameters, code=4, width=64)
    learn_recommender(
        recommender, presets, ParameterLoss(parameters.space),
        RecommenderTraining(steps=400, batch_size=32), torch.Generator().manual_seed(0),
    )  # fmt: skip
    return recommender


def test_sounds_that_were_not_learned_are_imagined_better_than_the_usual(
    folder: Path, recommender: Recommender
) -> None:
    held_out = PresetSet(folder, "test")
    notes = held_out.notes
    described = described_notes(held_out, torch.arange(len(held_out)))
    standard = (described - recommender.mean) / recommender.std
    with torch.no_grad():
        imagined = recommender.imagine(notes.vector, notes.pitch, notes.held_s)
    # brightness is the easiest to foresee; of 77 patches no more is asked
    assert (imagined - standard)[:, 0].abs().mean() < 0.85 * standard[:, 0].abs().mean()


def test_a_patch_is_decoded_brighter_where_it_is_said_to_be(recommender: Recommender) -> None:
    space = recommender.space
    vectors = space.sample(64, generator=torch.Generator().manual_seed(0))
    pitch, held_s = torch.full((64,), 60.0), torch.full((64,), 3.0)
    usual = recommender.mean.expand(64, -1)
    brighter = usual + 2 * recommender.std * torch.eye(8)[0]
    with torch.no_grad():
        conditions = [recommender.condition(d, pitch, held_s) for d in (usual, brighter)]
        code, _ = recommender.encode(vectors, conditions[0])
        before, after = (recommender.decode(code, c, held_s) for c in conditions)
    names = [d.name for d in space.dimensions if d.kind.value == "range"]
    cutoff = names.index("cutoff_hz")
    assert (after.place - before.place)[:, cutoff].mean() > 0.02


def test_suggestions_come_nearer_to_the_wish_and_are_repeated(recommender: Recommender) -> None:
    synth = load_synth("subtractive")
    vector, note = synth.parameters.defaults, Notes.of(60.0, 0.8, 1.0)
    wish = wish_of("darker")
    first, again = (
        suggest(
            synth, recommender, vector, wish, note, count=3,
            generator=torch.Generator().manual_seed(1),
        )
        for _ in range(2)
    )  # fmt: skip
    assert [one.away for one in first] == sorted(one.away for one in first)
    assert first[0].away < float(wish.norm())
    assert float(first[0].moved[0]) < -0.05
    assert all(torch.equal(a.vector, b.vector) for a, b in zip(first, again, strict=True))
    torch.testing.assert_close(first[0].vector, synth.parameters.space.project(first[0].vector))


def test_what_is_suggested_keeps_its_key(
    recommender: Recommender, monkeypatch: pytest.MonkeyPatch
) -> None:
    synth = load_synth("subtractive")
    vector, note = synth.parameters.vector({"osc1_octave": -1}), Notes.of(60.0, 0.8, 1.0)

    def pitches() -> torch.Tensor:
        found = suggest(
            synth, recommender, vector, wish_of("much brighter"), note, count=64,
            generator=torch.Generator().manual_seed(1),
        )  # fmt: skip
        vectors = torch.stack([one.vector for one in found])
        heard = pitches_heard(
            hear(synth.render(vectors, note[torch.zeros(len(found)).long()]).audio)
        )
        return heard[heard.isfinite()]

    heard = pitches()
    assert len(heard) > 3
    assert bool(((heard - 48.0).abs() < 0.5).all())
    monkeypatch.setattr(recommending, "_SAME_PITCH", torch.inf)
    assert not bool(((pitches() - 48.0).abs() < 0.5).all())
