"""What was liked comes nearer, by as many dB as is written; what nobody judged stays."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from timbrel.instruments.preset import Match, PatchFinder
from timbrel.instruments.preset.feedback.asking import informative
from timbrel.instruments.preset.feedback.judgement import JudgedSound, Judgement
from timbrel.instruments.preset.feedback.store import FeedbackStore
from timbrel.instruments.preset.feedback.taste import Opinions
from timbrel.instruments.preset.hearing.heard import hear
from timbrel.instruments.preset.hearing.heard_bytes import sound_id
from timbrel.instruments.preset.hearing.target import Target, target_of
from timbrel.instruments.preset.matching.candidates import Guess
from timbrel.instruments.preset.matching.matches import match
from timbrel.instruments.preset.network import PresetNetwork, PresetSettings
from timbrel.instruments.preset.rendering import rendered
from timbrel.sound import Notes
from timbrel.synths import Synth


@pytest.fixture(scope="module")
def targets(synth: Synth) -> list[Target]:
    patch = synth.parameters.vector({"slope": 0.6, "decay_s": 0.4})
    sounds = [rendered(synth, patch, Notes.of(pitch, 0.8, 1.0))[0] for pitch in (57.0, 70.0)]
    return [target_of(sound) for sound in sounds]


@pytest.fixture(scope="module")
def network(synth: Synth) -> PresetNetwork:
    torch.manual_seed(0)
    return PresetNetwork(PresetSettings(size="tiny", latent=8), synth.parameters).eval()


@pytest.fixture
def store(tmp_path: Path) -> FeedbackStore:
    return FeedbackStore(tmp_path / "feedback.sqlite")


def say(
    store: FeedbackStore, synth: Synth, target: Target, vector: torch.Tensor, liked: float,
    kind: str = "rating",
) -> None:  # fmt: skip
    judgement = Judgement(
        synth.name, synth.parameters.names, vector, "p", Notes.of(target.pitch, 0.8, 1.0),
        sound_id(target.heard), "s", kind, liked,
    )  # fmt: skip # pyright: ignore[reportArgumentType]
    store.add(judgement, JudgedSound.of(target))


def test_one_word_is_worth_three_db_and_falls_off(
    synth: Synth, targets: list[Target], store: FeedbackStore
) -> None:
    patch = synth.parameters.vector({"slope": 1.5, "decay_s": 0.5})
    say(store, synth, targets[0], patch, 1.0)
    opinions = Opinions.of(store, synth)
    assert opinions is not None
    taste = opinions.about(targets[0].heard)
    step = torch.zeros_like(patch)
    step[0] = 0.05 * 3**0.5  # a width: the root mean square over three knobs
    louder = patch.clone()
    louder[3] = 1.0
    far = 1.0 - patch.round()
    nearby = 6 * torch.exp(torch.tensor(-0.5)) / (1 + torch.exp(torch.tensor(-0.5)))
    got = taste.liked_db(torch.stack([patch, louder, patch + step, far]))
    assert got.tolist() == pytest.approx([3.0, 3.0, float(nearby), 0.0], abs=1e-3)
    other = opinions.about(targets[1].heard)
    assert other.liked_db(patch[None]).tolist() == [0.0]


def test_corrections_count_four_times_and_crowds_have_a_limit(
    synth: Synth, targets: list[Target], store: FeedbackStore
) -> None:
    right, wrong = (synth.parameters.vector({"slope": slope}) for slope in (0.5, 2.5))
    say(store, synth, targets[0], right, 1.0, "correction")
    say(store, synth, targets[0], wrong, -1.0)
    opinions = Opinions.of(store, synth)
    assert opinions is not None
    taste = opinions.about(targets[0].heard)
    assert taste.liked_db(torch.stack([right, wrong])).tolist() == pytest.approx([4.8, -3], abs=0.1)
    assert taste.known(right[None]).tolist() == pytest.approx([4.0], abs=0.1)
    (guess,) = taste.corrections()
    assert guess.by == "corrected"
    torch.testing.assert_close(guess.vector, right)
    assert opinions.about(targets[1].heard).corrections() == []


def test_a_tone_matcher_carries_opinions_to_like_sounds(
    synth: Synth, targets: list[Target], network: PresetNetwork, store: FeedbackStore
) -> None:
    patch = synth.parameters.defaults
    say(store, synth, targets[0], patch, 1.0, "correction")
    opinions = Opinions.of(store, synth, network)
    assert opinions is not None
    assert opinions.points is not None
    with torch.no_grad():
        heard = store.sounds([sound_id(targets[0].heard)])[sound_id(targets[0].heard)].heard
        torch.testing.assert_close(opinions.points[0], network.point(heard)[0])
        point = network.point(targets[1].heard)[0]
    cosine = float(opinions.points[0] @ point)
    taste = opinions.about(targets[1].heard, point)
    near = float(torch.tensor(-(1 - cosine) / 0.09).exp())
    assert float(taste.near[0]) == pytest.approx(near, rel=1e-4)
    assert taste.liked_db(patch[None]).item() == pytest.approx(24 * near / (1 + 4 * near), rel=1e-4)
    (model,) = set(_models(store))
    again = Opinions.of(store, synth, network)
    assert again is not None
    torch.testing.assert_close(again.points, opinions.points)
    assert set(_models(store)) == {model}


def _models(store: FeedbackStore) -> list[str]:
    import sqlite3

    database = sqlite3.connect(store.path)
    rows = [row[0] for row in database.execute("SELECT model FROM points")]
    database.close()
    return rows


def test_patches_of_other_knobs_say_nothing(
    synth: Synth, targets: list[Target], store: FeedbackStore
) -> None:
    assert Opinions.of(store, synth) is None
    judgement = Judgement(
        synth.name, ("slope", "wave"), torch.zeros(2), "p", Notes.of(60.0),
        sound_id(targets[0].heard), "s",
    )  # fmt: skip
    store.add(judgement, JudgedSound.of(targets[0]))
    assert Opinions.of(store, synth) is None


@pytest.fixture
def by_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time goes by a second a question, so that searches are as long on any machine."""
    steps = itertools.count()
    monkeypatch.setattr("time.monotonic", lambda: float(next(steps)))


def found(finder: PatchFinder, target: Target) -> list[Match]:
    generator = torch.Generator().manual_seed(0)
    return finder.find(
        target.audio, 44100, pitch=target.pitch, seconds=3.0, count=30, generator=generator
    )


def test_without_judgements_nothing_changes(
    synth: Synth, targets: list[Target], network: PresetNetwork, by_steps: None
) -> None:
    finder = PatchFinder(synth, network)
    nothing = Opinions(synth, (), torch.zeros(0, 4), torch.zeros(0, 64))
    before, after = found(finder, targets[0]), found(replace(finder, feedback=nothing), targets[0])
    assert len(before) == len(after) > 10
    for ours, theirs in zip(before, after, strict=True):
        assert (ours.distance_db, ours.by) == (theirs.distance_db, theirs.by)
        assert torch.equal(ours.vector, theirs.vector)


def test_what_was_liked_is_tried_and_comes_first(
    synth: Synth, targets: list[Target], network: PresetNetwork, store: FeedbackStore,
    by_steps: None,
) -> None:  # fmt: skip
    target = targets[0]
    patch = synth.parameters.vector({"slope": 0.9, "decay_s": 0.5})
    say(store, synth, target, patch, 1.0, "correction")
    finder = PatchFinder(synth, network, feedback=Opinions.of(store, synth, network))
    matches = found(finder, target)
    tried = [one for one in matches if one.by == "corrected"]
    assert len(tried) == 1
    torch.testing.assert_close(tried[0].vector[:3], patch[:3])
    assert matches[0].by in ("corrected", "search")
    assert (matches[0].vector[:3] - patch[:3]).abs().max() < 0.3
    plain = found(PatchFinder(synth, network), target)
    assert all(one.by != "corrected" for one in plain)


def test_candidates_are_ordered_by_distance_minus_liking(
    synth: Synth, targets: list[Target], store: FeedbackStore, by_steps: None
) -> None:
    near, liked = (synth.parameters.vector({"slope": x, "decay_s": 0.4}) for x in (0.7, 1.3))
    say(store, synth, targets[0], near, -1.0)
    say(store, synth, targets[0], liked, 1.0, "correction")
    opinions = Opinions.of(store, synth)
    assert opinions is not None
    taste = opinions.about(targets[0].heard)
    also = [Guess(near, "near"), Guess(liked, "liked")]
    plain, ours = (
        {one.by: (number, one.distance_db) for number, one in enumerate(matches)}
        for matches in (
            match(synth, None, targets[0], 1.5, also=also, liked_db=liked_db, count=9)
            for liked_db in (None, taste.liked_db)
        )
    )
    assert plain["near"][0] < plain["liked"][0]
    assert ours["liked"][0] < ours["near"][0]
    for name in ("near", "liked"):
        assert ours[name][1] == plain[name][1]  # what is told is the distance, as it was
    assert 0 < ours["liked"][1] - ours["near"][1] < 4


def test_the_match_that_judges_quarrel_about_is_asked_for(
    synth: Synth, targets: list[Target], network: PresetNetwork, store: FeedbackStore
) -> None:
    slopes = (0.6, 0.8, 2.0, 2.8)
    vectors = torch.stack([synth.parameters.vector({"slope": s, "decay_s": 0.4}) for s in slopes])
    note = Notes.of(57.0, 0.8, 1.0)
    matches = [Match(v, note, float(i), "x") for i, v in enumerate(vectors)]
    sounds = rendered(synth, vectors, note[torch.zeros(4).long()])
    target = targets[0].heard
    assert informative(matches, sounds, target) == 0
    with torch.no_grad():
        likeness = network.point(hear(sounds)) @ network.point(target)[0]
    ranks = likeness.argsort(descending=True).argsort()
    quarrel = (ranks - torch.arange(4)).abs()
    asked = informative(matches, sounds, target, network)
    assert quarrel[asked] == quarrel.max()
    say(store, synth, targets[0], vectors[0], 1.0)
    opinions = Opinions.of(store, synth)
    assert opinions is not None
    assert informative(matches, sounds, target, None, opinions.about(target)) == 2
