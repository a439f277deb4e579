"""Patches behind sounds: what is rendered is found again, however long, loud and high it is."""

from __future__ import annotations

import math
import time
from typing import Any

import pytest
import torch

from timbrel.dsp.distances import mss_db
from timbrel.errors import BadInput
from timbrel.instruments.preset.answers import (
    Answer,
    around,
    drawn,
    likeliest,
    nothing_known,
    probabilities,
)
from timbrel.instruments.preset.finding import PatchFinder
from timbrel.instruments.preset.hearing.heard import (
    N_SAMPLES,
    SAMPLE_RATE,
    fitted,
    hear,
    pitch_heard,
)
from timbrel.instruments.preset.hearing.target import target_of
from timbrel.instruments.preset.matching.candidates import Guess, Match
from timbrel.instruments.preset.matching.finishing import levelled, measured
from timbrel.instruments.preset.matching.judging import Judge
from timbrel.instruments.preset.matching.matches import first_word, match
from timbrel.instruments.preset.network import PresetNetwork, PresetSettings
from timbrel.instruments.preset.rendering import rendered
from timbrel.sound import Notes, Rendered
from timbrel.synths import Synth
from timbrel.units import hz_to_midi

PATCH = {"slope": 0.6, "decay_s": 0.4, "wave": 1, "level_db": -20.0}


@pytest.fixture
def patch(synth: Synth) -> torch.Tensor:
    return synth.parameters.vector(PATCH)


def sound(synth: Synth, pitch: float = 57.0, held_s: float = 1.0) -> torch.Tensor:
    return synth.render(synth.parameters.vector(PATCH), Notes.of(pitch, 0.8, held_s)).audio[0]


def test_a_search_finds_the_patch_again(synth: Synth) -> None:
    target = target_of(sound(synth))
    found = match(synth, None, target, 6.0, count=3, generator=torch.manual_seed(0))
    best = found[0]
    assert best.by == "search"
    assert best.distance_db < 1.0 < found[-1].distance_db
    knobs = synth.parameters.values(best.vector)
    assert knobs["wave"] == 1
    assert knobs["slope"] == pytest.approx(0.6, abs=0.1)
    assert knobs["decay_s"] == pytest.approx(0.4, rel=0.15)
    assert float(best.note.pitch) == pytest.approx(57.0, abs=0.1)


def test_without_time_the_network_has_the_word(synth: Synth) -> None:
    torch.manual_seed(0)
    network = PresetNetwork(PresetSettings(size="tiny", latent=8), synth.parameters).eval()
    target = target_of(sound(synth))
    word = first_word(synth, network, target)
    with torch.inference_mode():
        answer = network.answer(target.heard, torch.tensor([target.pitch]))
    torch.testing.assert_close(word.vector, likeliest(synth.parameters.space, answer)[0])
    assert word.by == "network"
    found = match(synth, network, target, 0.0, count=99)
    assert len(found) > 9
    assert {one.by for one in found} == {"network", "network, drawn"}
    assert found[0].distance_db == min(one.distance_db for one in found)
    again = match(synth, network, target, 0.0)[0]
    assert torch.equal(found[0].vector, again.vector)


def test_time_counts_from_when_the_synthesizer_plays(
    synth: Synth, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, happened, render = target_of(sound(synth)), list[str](), type(synth).render

    def rendering(*given: Any, **more: Any) -> Rendered:
        happened.append("render")
        return render(*given, **more)

    def clock() -> float:
        happened.append("clock")
        return 0.0

    monkeypatch.setattr(type(synth), "render", rendering)
    monkeypatch.setattr(time, "monotonic", clock)
    match(synth, None, target, 0.0)
    assert happened[:2] == ["render", "clock"]


def test_a_patch_is_made_as_loud_as_the_target(synth: Synth, patch: torch.Tensor) -> None:
    note, wanted = Notes.of(57.0, 0.8, 1.0), 0.3 * sound(synth)
    loudened = levelled(synth, patch[None], note, wanted)[0]
    loud = rendered(synth, loudened, note).square().mean().sqrt() / wanted.square().mean().sqrt()
    loud = loud * (N_SAMPLES / len(wanted)) ** 0.5
    assert abs(20 * float(loud.log10())) < 1.5
    assert torch.equal(loudened[:3], patch[:3])
    assert loudened[3] < patch[3]


def test_silence_behind_a_short_note_does_not_bring_it_near(
    synth: Synth, patch: torch.Tensor
) -> None:
    target = sound(synth, held_s=0.3)
    other = synth.parameters.vector(PATCH | {"slope": 2.5})
    found = Match(other, Notes.of(57.0, 0.8, 0.3), 0.0, "x")
    (one,) = measured(synth, [found], target)
    ours = rendered(synth, other, found.note)[0]
    length = len(target) + SAMPLE_RATE // 2
    assert one.distance_db == pytest.approx(
        float(mss_db(ours[:length], fitted(target)[:length], SAMPLE_RATE)), abs=0.01
    )
    assert one.distance_db > 2 * float(mss_db(ours, target, SAMPLE_RATE))


@pytest.mark.parametrize("pitch", [36.0, 57.3, 84.0])
def test_the_pitch_is_heard_and_noise_has_none(synth: Synth, pitch: float) -> None:
    target = target_of(sound(synth, pitch))
    assert target.is_pitched
    assert target.pitch == pytest.approx(pitch, abs=0.15)
    noise = target_of(torch.randn(22050, generator=torch.manual_seed(0)))
    assert not noise.is_pitched
    assert noise.pitch == 60.0


def test_a_judge_hears_no_level_and_hears_colour(synth: Synth) -> None:
    note = sound(synth)
    judge = Judge(note)
    duller = synth.parameters.vector({"slope": 1.2, "decay_s": 0.4, "wave": 1})
    other = rendered(synth, duller, Notes.of(57.0, 0.8, 1.0))[0]
    same, softer, dull = judge(torch.stack([
        torch.nn.functional.pad(x, (0, N_SAMPLES - len(x))) for x in (note, 0.1 * note, other)
    ])).tolist()  # fmt: skip
    assert same == 0.0
    assert softer < 0.2
    assert dull > 3.0
    assert judge(torch.full((1, N_SAMPLES), torch.nan)).tolist() == [float("inf")]


def test_what_is_heard_does_not_depend_on_level_nor_on_others(synth: Synth) -> None:
    sounds = torch.stack([sound(synth), sound(synth, 64.0)])
    together, alone = hear(sounds), hear(0.1 * sounds[1:])
    for ours, one in zip(together, alone, strict=True):
        torch.testing.assert_close(ours[1:], one, atol=1e-3, rtol=0)
    assert pitch_heard(alone) == pytest.approx(64.0, abs=0.1)


def test_draws_are_as_wide_as_the_answer_and_choices_as_likely(synth: Synth) -> None:
    answer = Answer(
        torch.tensor([[0.5, 0.2, 0.9]]), torch.tensor([[0.1, 0.005, 0.005]]),
        torch.tensor([[20.0, 20.0, -1.0]]), torch.tensor([0.1, 0.2, 0.3]),
        torch.tensor([[0.0, 2.0]]), torch.tensor([1.0]),
    )  # fmt: skip
    some = drawn(synth.parameters.space, answer, 4000, torch.manual_seed(0))
    assert (some[:, 0] - 0.5).abs().mean() == pytest.approx(0.1, rel=0.05)
    assert (some[:, 1] - 0.2).abs().mean() == pytest.approx(0.005, rel=0.05)
    assert some[:, 2].mean() == pytest.approx(1 / (1 + math.exp(-2)), abs=0.02)
    is_touched = some[:, 3] != answer.rest[2]
    assert is_touched.float().mean() == pytest.approx(1 / (1 + math.e), abs=0.02)
    assert (some[is_touched, 3] - 0.9).abs().mean() == pytest.approx(0.005, rel=0.1)
    assert likeliest(synth.parameters.space, answer)[0].tolist() == pytest.approx(
        [0.5, 0.2, 1.0, 0.3]
    )


def test_an_answer_moved_to_a_patch_likes_it_best(synth: Synth, patch: torch.Tensor) -> None:
    moved = around(synth.parameters.space, patch, nothing_known(synth.parameters.space, 1.0))
    torch.testing.assert_close(likeliest(synth.parameters.space, moved)[0], patch)
    odds = probabilities(synth.parameters.space, moved)
    assert odds is not None
    assert odds.shape == (1, 2)
    assert odds[0, 1] == pytest.approx(1 / (1 + math.exp(-1)), abs=1e-6)


def test_what_nobody_can_hear_is_far_though_its_colour_is_right(synth: Synth) -> None:
    target = sound(synth)
    judge = Judge(target)
    same, softer, faint = judge(torch.stack([target, 0.05 * target, 1e-4 * target])).tolist()
    assert same == pytest.approx(0.0, abs=1e-3)
    assert softer == pytest.approx(0.0, abs=0.1)
    assert faint == pytest.approx(80.0 - 30.0, abs=1.0)


@pytest.mark.parametrize("count", [0, -1])
def test_one_patch_at_least_is_asked_for(synth: Synth, patch: torch.Tensor, count: int) -> None:
    audio = rendered(synth, patch, Notes.of(60.0, 0.8, 1.0))[0]
    with pytest.raises(BadInput, match="are asked for: ask for one at least"):
        PatchFinder(synth).find(audio, SAMPLE_RATE, seconds=0.1, count=count)


@pytest.mark.parametrize("f0_hz", [32.7, 41.2, 55.0, 4186.0])
def test_the_lowest_and_highest_notes_are_heard(f0_hz: float) -> None:
    """Below 65 Hz two periods are longer than the spectra's window, which heard C7 in them."""
    tone = torch.sin(2 * torch.pi * f0_hz * torch.arange(SAMPLE_RATE) / SAMPLE_RATE)
    target = target_of(0.5 * tone)
    assert target.is_pitched
    assert target.pitch == pytest.approx(float(hz_to_midi(torch.tensor(f0_hz))), abs=0.1)


def test_an_offset_is_no_part_of_a_sound(synth: Synth) -> None:
    plain = target_of(sound(synth))
    shifted = target_of(sound(synth) + 0.4)
    assert not shifted.is_cut
    assert shifted.length_s == pytest.approx(plain.length_s, abs=0.1)
    assert shifted.pitch == pytest.approx(plain.pitch, abs=0.1)


def test_what_was_liked_goes_before_what_was_searched_and_hides_it_not(synth: Synth) -> None:
    target = target_of(sound(synth))
    far = synth.parameters.vector(PATCH | {"slope": 2.5})

    def liked_db(vectors: torch.Tensor) -> torch.Tensor:
        return torch.where((vectors - far).abs().amax(-1) < 1e-6, 100.0, 0.0)

    liked = Guess(far, "corrected")
    found = match(synth, None, target, 2.0, also=[liked], liked_db=liked_db, count=3)
    assert [one.by for one in found[:2]] == ["corrected", "search"]
    assert found[1].distance_db < found[0].distance_db
    assert [one.counted_db for one in found] == sorted(one.counted_db for one in found)
