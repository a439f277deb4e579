"""Batches of heard and wanted notes: pure, augmented alike, cut where they say."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from tones import HOLD_S, make_tones

from timbrel.data.notes.note_set import NoteSet
from timbrel.dsp.mel import MelScale, log_mel
from timbrel.errors import BadInput
from timbrel.training.mel_vae.note_mels import AugmentSettings, MelPairs, NoteMels

FRAMES = 32
NEAR = 0.02
"""What is within 0.5 dB of the floor is taken for silence."""
NOTHING = AugmentSettings(cross=0, equalise=0, layer=0, decay=0, attack=0)
EVERYTHING = AugmentSettings(cross=0, equalise=1, layer=1, decay=1, attack=1)


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> NoteSet:
    return NoteSet.open(make_tones(tmp_path_factory.mktemp("tones") / "nsynth-train"))


def mels(notes: NoteSet, augment: AugmentSettings | None, wanted_frames: int = FRAMES) -> NoteMels:
    return NoteMels(notes, MelScale(), FRAMES, augment, wanted_frames)


def batch(items: NoteMels, seed: int = 0, count: int = 40) -> MelPairs:
    return items.batch(torch.arange(count), torch.Generator().manual_seed(seed))


def test_mels_are_those_of_the_sounds(notes: NoteSet) -> None:
    items = mels(notes, None)
    for i in (0, 17, 39):
        pair = items.unchanged(torch.tensor([i]))
        truth = log_mel(notes.audio(i))[:, :FRAMES]
        torch.testing.assert_close(pair.wanted[0], truth, atol=1e-3, rtol=0)
        assert float(pair.pitch) == notes[i].pitch
        assert float(pair.velocity) == pytest.approx(notes[i].velocity / 127)
        assert float(pair.hold_s) == pytest.approx(HOLD_S)


def test_notes_are_padded_with_silence_or_cut(notes: NoteSet) -> None:
    long = NoteMels(notes, MelScale(), 64).unchanged(torch.tensor([0])).wanted
    assert torch.equal(long[..., 32:], torch.full((1, 80, 32), -1.0))
    short = NoteMels(notes, MelScale(), 16).unchanged(torch.tensor([0])).wanted
    assert torch.equal(short, long[..., :16])


@pytest.mark.parametrize("augment", [None, NOTHING, EVERYTHING, AugmentSettings()])
def test_batches_are_pure_functions_of_indices_and_generator(notes, augment) -> None:
    items = mels(notes, augment, 16 if augment else FRAMES)
    first = batch(items, seed=1)
    batch(items, seed=2)
    for mine, theirs in zip(first, batch(items, seed=1), strict=True):
        assert torch.equal(mine, theirs)
    same = torch.equal(first.heard, batch(items, seed=2).heard)
    assert same == (augment in (None, NOTHING))


def test_what_is_heard_and_what_is_wanted_change_alike(notes: NoteSet) -> None:
    items = mels(notes, EVERYTHING)
    pairs = batch(items)
    cut = zip(pairs.heard, pairs.wanted, pairs.first_frame.tolist(), strict=True)
    for heard, wanted, first in cut:
        assert torch.equal(heard[:, first : first + wanted.shape[-1]], wanted)
    change_db = 40 * (pairs.heard - items.unchanged(torch.arange(40)).heard).abs().mean((1, 2))
    assert float(change_db.min()) > 0.3


def test_a_pair_of_two_notes_gets_one_equaliser(notes: NoteSet) -> None:
    """In each, new minus old is the same curve over the bands, up to its own new maximum."""
    items = mels(notes, AugmentSettings(cross=1, equalise=1, layer=0, decay=0, attack=0))
    pairs, compared = batch(items), 0
    plain = items.unchanged(torch.arange(40)).heard
    for row in range(40):
        same = (notes.instrument == notes.instrument[row]) & (notes.pitch == pairs.heard_pitch[row])
        mine = pairs.wanted[row] - plain[row]
        # Two velocities of a pitch have one log-mel: either is the note that was heard.
        theirs = pairs.heard[row] - plain[int(same.nonzero()[0])]
        loud = (plain[row] > -0.2) & (plain[int(same.nonzero()[0])] > -0.2)
        loud &= (pairs.wanted[row] > -0.9) & (pairs.heard[row] > -0.9)
        if int(loud.sum()) > 10:
            difference_db = 40 * (mine - theirs)[loud]
            assert float(difference_db.std()) < 0.3
            compared += 1
    assert compared > 20


@pytest.mark.parametrize("name", ["equalise", "decay", "attack", "layer"])
def test_silence_stays_at_the_floor_and_the_maximum_at_0_db(notes: NoteSet, name: str) -> None:
    items = mels(notes, NOTHING.model_copy(update={name: 1.0}))
    pairs, plain = batch(items, seed=3), items.unchanged(torch.arange(40))
    for new, old in ((pairs.heard, plain.heard), (pairs.wanted, plain.wanted)):
        assert torch.equal(new.amax((1, 2)), torch.ones(40))
        assert float(new.min()) == -1.0
        if name != "layer":
            silent = old == -1.0
            assert float(silent.float().mean()) > 0.05
            assert float(new[silent].max()) == -1.0


def test_decays_only_fall_and_attacks_only_rise(notes: NoteSet) -> None:
    decay, attack = (
        batch(mels(notes, NOTHING.model_copy(update={name: 1.0}))) for name in ("decay", "attack")
    )
    plain = mels(notes, None).unchanged(torch.arange(40)).heard
    loud = plain > -0.3
    for pairs, sign in ((decay, -1), (attack, 1)):
        change = (pairs.heard - plain).masked_fill(~loud, math.nan).nanmean(1)[:, 2:20]
        assert bool((sign * change.diff(dim=1) > -0.02).all())


def test_a_layer_adds_a_sound_of_the_same_pitch(notes: NoteSet) -> None:
    """All its energy lies on the harmonics that are there: no band gains that has none."""
    pairs = batch(mels(notes, NOTHING.model_copy(update={"layer": 1.0})))
    plain = mels(notes, None).unchanged(torch.arange(40))
    for row in range(40):
        kin = plain.heard[plain.pitch == plain.pitch[row]].amax(0)
        gained = (pairs.heard[row] > plain.heard[row] + 0.1) & (kin < -0.99)
        assert int(gained.sum()) == 0


def test_crossed_pairs_are_of_one_instrument(notes: NoteSet) -> None:
    """What is heard is found again among the instrument's notes, and among no others."""
    items = mels(notes, NOTHING.model_copy(update={"cross": 1.0}))
    pairs, plain = batch(items, seed=5), items.unchanged(torch.arange(40)).heard
    for row, heard in enumerate(pairs.heard):
        found = (plain - heard).abs().amax((1, 2)) < NEAR
        assert bool(found.any())
        instruments = {int(i) for i in notes.instrument[found]}
        assert instruments == {int(notes.instrument[row])}
        assert set(notes.pitch[found].tolist()) == {int(pairs.heard_pitch[row])}
    assert float((pairs.heard_pitch != pairs.pitch).float().mean()) > 0.5


def test_the_first_frame_says_where_the_stretch_was_cut(notes: NoteSet) -> None:
    """Of two places half the stretches begin at the onset, and half of the rest do by chance."""
    items = mels(notes, NOTHING, wanted_frames=16)
    plain = items.unchanged(torch.arange(40)).wanted
    firsts = []
    for seed in range(10):
        pairs = batch(items, seed)
        assert pairs.heard.shape == (40, 80, 32)
        for row, first in enumerate(pairs.first_frame.tolist()):
            wanted = plain[row][:, first : first + 16]
            torch.testing.assert_close(pairs.wanted[row], wanted, atol=NEAR, rtol=0)
            firsts.append(first)
    assert set(firsts) == {0, 16}
    assert firsts.count(0) / len(firsts) == pytest.approx(0.75, abs=0.08)


def test_levels_are_relative_to_the_instruments_loud_notes(notes: NoteSet) -> None:
    """Struck half as hard these tones are 5.95 dB softer; the median of the loud ones is 0."""
    items = mels(notes, None)
    loud = notes.velocity == 127
    for i in range(len(notes.instruments)):
        own = notes.instrument == i
        assert float(items.level_db[own & loud].median()) == pytest.approx(0, abs=1e-4)
    halves = items.level_db[~loud] - items.level_db[loud]
    wanted = 20 * math.log10(64 / 127)
    torch.testing.assert_close(halves, torch.full_like(halves, wanted), atol=0.02, rtol=0)


def test_a_set_of_another_rate_is_refused(notes: NoteSet) -> None:
    with pytest.raises(BadInput, match="has 16000 Hz, this model wants 44100 Hz: make the set at"):
        NoteMels(notes, MelScale(sample_rate=44100), FRAMES)


def test_a_silent_note_stays_silent(tmp_path: Path) -> None:
    import soundfile

    folder = make_tones(tmp_path / "set", instruments=["reed_acoustic_001"], pitches=[60])
    for path in (folder / "audio").iterdir():
        soundfile.write(path, torch.zeros(8000).numpy(), 16000, subtype="PCM_16")
    pairs = mels(NoteSet.open(folder), EVERYTHING).batch(torch.arange(2), torch.Generator())
    assert torch.equal(pairs.heard, torch.full((2, 80, FRAMES), -1.0))
