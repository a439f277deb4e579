"""The streamed mix against a mix of the whole song at once, and its promises."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import soxr
import torch
from scipy.signal import lfilter

from timbrel.dsp.envelope import Adsr
from timbrel.dsp.limiter import soft_limit
from timbrel.errors import BadInput
from timbrel.instruments.sine import Sine
from timbrel.midi import Score, ScoreNote, Track
from timbrel.perform import Mix, Part
from timbrel.perform.mixing import headroom_db, pan_gains
from timbrel.sound import Notes, Rendered

from .fakes import Click, Decaying, busy_score, notes_of, score_of

ONE = torch.ones(1)


def joined(mix: Mix) -> torch.Tensor:
    return torch.cat([block for block, _ in mix.blocks()], dim=1)


def mix_at_once(score: Score, parts: list[Part], mix_rate: int, gain_db: float) -> torch.Tensor:
    """Every note rendered alone and summed into one array in float64; no windows, no batches."""
    buses, end_s = [], 0.0
    for track, part in zip(score.tracks, parts, strict=True):
        rate = part.instrument.sample_rate
        bus = np.zeros((round((score.duration_s + 10) * rate), 2))
        for note in track.notes:
            bend = note.bend_semitones
            alone = Notes.of(note.pitch, note.velocity, note.duration_s)
            if bend is not None:
                alone = Notes(alone.pitch, alone.velocity, alone.duration_s, torch.tensor([bend]))
            audio = next(iter(part.instrument.render(alone, part.timbre))).double().numpy()
            gain = 10 ** ((gain_db + part.gain_db + note.gain_db) / 20)
            angle = (track.pan + 1) * math.pi / 4
            sides = gain * np.array([math.cos(angle), math.sin(angle)])
            first = round(note.onset_s * rate)
            bus[first : first + len(audio)] += audio[:, None] * sides
            end_s = max(end_s, (first + len(audio)) / rate)
        if rate != mix_rate:
            bus = soxr.resample(bus, rate, mix_rate, quality="HQ")
        buses.append(bus[: round((score.duration_s + 5) * mix_rate)])
    whole = sum(buses)[: round(end_s * mix_rate)]
    pole = math.exp(-2 * math.pi * 5.0 / mix_rate)
    clean = lfilter([1, -1], [1, -pole], whole, axis=0)
    return soft_limit(torch.from_numpy(clean.T.astype(np.float32)), mix_rate)


@pytest.mark.parametrize("mix_rate", [16000, 22050])
@pytest.mark.parametrize("separate", [False, True])
def test_windows_of_any_size_equal_the_mix_at_once(mix_rate, separate):
    score = busy_score()
    parts = [Part(Decaying(), ONE, gain_db=-2.0 * k) for k in range(3)]
    planned = Mix(score, parts, mix_rate)
    expected = mix_at_once(score, parts, mix_rate, planned.headroom_db)
    assert expected.abs().max() > 0.3
    for window_s in (0.2, 3.3, 1e6):
        got = joined(Mix(score, parts, mix_rate, window_s=window_s, separate=separate))
        assert abs(got.shape[1] - expected.shape[1]) <= 2
        length = min(got.shape[1], expected.shape[1])
        assert (got[:, :length] - expected[:, :length]).abs().max() <= 1e-5


def test_instruments_of_different_rates_keep_their_pitch_and_their_time():
    notes = notes_of((69, 1.0, 0.5, 1.0), (69, 1.0, 2.0, 1.0))
    parts = [Part(Decaying(rate, tail_s=0.0), ONE) for rate in (16000, 22050, 44100)]
    mix = Mix(score_of(notes, notes, notes), parts, separate=True)
    assert mix.sample_rate == 44100
    stems = [torch.cat(blocks, dim=1) for blocks in zip(*(s for _, s in mix.blocks()), strict=True)]
    assert len({stem.shape for stem in stems}) == 1
    for stem in stems:
        spectrum = torch.fft.rfft(stem[0, 22050:66150] * torch.hann_window(44100)).abs()
        assert int(spectrum.argmax()) == 440
        onset = int((stem[0].abs() > 0.05 * stem[0].abs().max()).nonzero()[0])
        assert abs(onset - 22050) <= 30


def test_a_note_lands_on_its_sample_with_its_gains():
    notes = notes_of((60, 1.0, 0.1, 0.5, None, -6.0))
    score = Score((Track("", 0, False, notes, pan=1.0),))
    got = joined(Mix(score, [Part(Click(), ONE * 0.5, gain_db=-6.0)]))
    assert got.shape == (2, 1600 + 8000)
    assert got[:, :1600].abs().max() == 0
    assert got[:, 1600].tolist() == pytest.approx([0.0, 0.5 * 10 ** (-12 / 20)], abs=1e-6)


def test_a_parts_pan_wins_over_the_tracks():
    score = Score((Track("", 0, False, notes_of((60, 1.0, 0.0, 0.1)), pan=1.0),))
    got = joined(Mix(score, [Part(Click(), ONE * 0.5, pan=-1.0)]))
    assert got[:, 0].tolist() == pytest.approx([0.5, 0.0], abs=1e-6)


@pytest.mark.parametrize("pan", [-1.0, -0.3, 0.0, 0.5, 1.0])
def test_panning_keeps_the_power(pan):
    left, right = pan_gains(pan).tolist()
    assert left**2 + right**2 == pytest.approx(1.0, abs=1e-6)
    assert (right - left) * pan >= 0


def test_it_never_clips_and_has_no_dc():
    chord = tuple(ScoreNote(40 + k, 1.0, 0.2 * (k // 20), 3.0) for k in range(80))
    mix = Mix(score_of(chord), [Part(Decaying(dc=0.2), ONE)], gain_db=30.0)
    got = joined(mix)
    assert 0.9 < got.abs().max() <= 10 ** (-0.3 / 20)
    quiet = joined(Mix(score_of(chord), [Part(Decaying(dc=0.2), ONE)], gain_db=-20.0))
    assert quiet[:, 16000:40000].mean().abs() < 0.01 * quiet.abs().max()


def test_tails_sound_to_their_end():
    mix = Mix(score_of(notes_of((60, 1.0, 1.0, 0.5))), [Part(Decaying(tail_s=4.0), ONE)])
    got = joined(mix)
    assert got.shape[1] == round(5.5 * 16000)
    last = got[:, -200:].abs().max()
    assert last == pytest.approx(math.exp(-2 * 4.5) * math.sqrt(0.5), rel=0.1)


def test_a_long_rest_goes_out_in_small_blocks():
    score = score_of(notes_of((60, 1.0, 0.0, 1.0), (60, 1.0, 900.0, 1.0)))
    sizes = [b.shape[1] for b, _ in Mix(score, [Part(Click(1000), ONE)], 2000).blocks()]
    assert max(sizes) <= 11 * 2000
    assert sum(sizes) == 901 * 2000


def test_equal_notes_are_rendered_once_for_each_timbre():
    instrument = Decaying()
    rows = [(60, 0.5, 0.5 * k, 0.25) for k in range(20)]
    score = score_of(notes_of(*rows), notes_of(*rows), notes_of(*rows))
    shared = Part(instrument, ONE, pan=-1.0)
    mix = Mix(score, [shared, Part(instrument, ONE, pan=1.0), Part(instrument, ONE * 0.5)])
    joined(mix)
    assert (mix.n_notes, mix.rendered) == (60, 2)
    assert [len(batch) for batch in instrument.batches] == [2]


class Chancy(Decaying):
    """Says which take it was asked for."""

    def render(self, notes, timbre, controls=None, *, generator=None):
        assert generator is not None
        lengths = torch.full((len(notes),), 10)
        number = torch.rand((), generator=generator)
        self.batches.append(notes)
        return Rendered(number.expand(len(notes), 10).clone(), lengths, self.sample_rate)


def test_where_takes_differ_no_note_is_followed_by_the_same_one():
    rows = [(60 + 7 * (i % 2), 0.5, 0.1 * i, 0.05) for i in range(24)]
    score, heard = score_of(notes_of(*rows)), []
    for seed in (5, 5, 6):
        part = Part(Chancy(abilities=("velocity", "takes")), ONE)
        mix = Mix(score, [part], window_s=0.7, seed=seed, gain_db=-20)
        audio = joined(mix)[0]
        heard.append([float(audio[round(1600 * i) + 5]) for i in range(24)])
        assert mix.rendered == 8
    assert heard[0] == heard[1]
    assert heard[0] != heard[2]
    for key in (heard[0][::2], heard[0][1::2]):
        assert all(abs(a - b) > 1e-4 for a, b in pairwise(key))
        assert key[:4] == pytest.approx(key[4:8], abs=1e-4)


def test_batches_are_sorted_by_duration_and_bounded(monkeypatch):
    monkeypatch.setattr("timbrel.perform.rendering.BATCH_SAMPLES", 100_000)
    instrument = Decaying(1000, tail_s=0.0)
    rows = [(40 + k % 50, 0.5, 0.001 * k, 0.1 + (k * 37 % 100) / 20) for k in range(100)]
    rows.append((60, 0.5, 0.2, 600.0))
    joined(Mix(score_of(notes_of(*rows)), [Part(instrument, ONE)], window_s=100.0))
    sizes = [len(batch) for batch in instrument.batches]
    assert sum(sizes) == 101
    assert max(sizes) == 32
    assert sizes[-1] == 1  # ten minutes leave no room for another note
    durations = torch.cat([batch.duration_s for batch in instrument.batches])
    assert torch.equal(durations, durations.sort().values)


def test_bends_reach_the_instrument_side_by_side():
    instrument = Decaying()
    rows = [
        (60, 0.5, 0.0, 1.0, (0.0, 1.0)),
        (61, 0.5, 0.0, 1.5),
        (62, 0.5, 0.0, 2.0, (2.0, 3.0, 4.0)),
    ]
    joined(Mix(score_of(notes_of(*rows)), [Part(instrument, ONE)]))
    bends = instrument.batches[0].bend_semitones
    assert bends.tolist() == [[0.0, 1.0, 1.0], [0.0, 0.0, 0.0], [2.0, 3.0, 4.0]]


def test_a_wheel_at_rest_is_another_pitch_and_so_is_one_that_cannot_be_followed():
    able, unable = Decaying(), Decaying(abilities=())
    resting = notes_of((60, 0.5, 0.0, 1.0, (0.5,)))
    moving = notes_of((60, 0.5, 0.0, 1.0, (0.0, 1.0, 2.0)))
    joined(Mix(score_of(resting, moving), [Part(able, ONE), Part(unable, ONE)]))
    assert (able.batches[0].pitch.tolist(), able.batches[0].bend_semitones) == ([60.5], None)
    assert (unable.batches[0].pitch.tolist(), unable.batches[0].bend_semitones) == ([61.0], None)


def test_velocity_is_a_gain_where_the_instrument_has_none():
    score = score_of(notes_of((60, 0.25, 0.0, 0.5)))
    deaf = joined(Mix(score, [Part(Decaying(abilities=()), ONE)]))
    able = joined(Mix(score, [Part(Decaying(), ONE)]))
    torch.testing.assert_close(deaf, able)


def test_an_envelope_shapes_and_ends_the_note():
    shape = Adsr(attack_s=0.1, decay_s=0.1, sustain=0.5, release_s=0.2)
    part = Part(Decaying(tail_s=1.0), ONE, pan=-1.0, envelope=shape)
    score = score_of(notes_of((60, 0.5, 0.0, 0.5)))
    shaped = joined(Mix(score, [part]))[0]
    plain = joined(Mix(score, [Part(Decaying(tail_s=1.0), ONE, pan=-1.0)]))[0]
    assert len(shaped) == round(0.7 * 16000)
    for time_s, level in ((0.05, 0.5), (0.1, 1.0), (0.3, 0.5), (0.6, 0.25)):
        here = slice(round(time_s * 16000) - 30, round(time_s * 16000) + 30)
        ratio = shaped[here].norm() / plain[here].norm()
        assert ratio.item() == pytest.approx(level, abs=0.03)


def test_samples_that_are_not_finite_are_silent(caplog):
    class Broken(Decaying):
        def render(self, notes, timbre, controls=None, *, generator=None):
            rendered = super().render(notes, timbre)
            rendered.audio[:, 100] = math.nan
            return rendered

    first, later = notes_of((69, 0.8, 0.0, 0.1)), notes_of((69, 0.8, 0.0, 1.0))
    got = joined(Mix(score_of(first, later), [Part(Broken(), ONE), Part(Sine(), torch.ones(4))]))
    assert got.isfinite().all()
    assert got[:, 8000:].abs().max() > 0.1
    assert "decaying rendered samples that are not finite" in caplog.text


def test_headroom_grows_with_the_notes_that_sound_at_once():
    part = Part(Decaying(), ONE)
    alone = [(ScoreNote(60, 1.0, float(k), 0.9), part) for k in range(10)]
    assert headroom_db(alone) == 0.0
    chords = [(ScoreNote(60, 1.0, float(k // 10), 0.9), part) for k in range(100)]
    assert headroom_db(chords) == pytest.approx(-10.0, abs=0.3)
    assert headroom_db([]) == 0.0


def test_progress_counts_the_notes():
    told: list[tuple[str, float, float]] = []
    parts = [Part(Decaying(), ONE)] * 3
    mix = Mix(busy_score(), parts, window_s=1.0, progress=lambda *how_far: told.append(how_far))
    joined(mix)
    assert told == sorted(told)
    assert told[-1] == ("playing", mix.n_notes, mix.n_notes)


@pytest.mark.parametrize(("parts", "arguments", "message"), [
    ([], {}, r"0 parts for 1 tracks: one part or None is wanted for each"),
    ([None], {}, r"no track has a part: give one to a track"),
    ([Part(Decaying(), ONE)], {"window_s": 0.0}, r"a window of 0 s: more than 0"),
])  # fmt: skip
def test_what_cannot_be_mixed_is_one_line(parts, arguments, message):
    with pytest.raises(BadInput, match=message):
        Mix(score_of(notes_of((60, 1.0, 0.0, 1.0))), parts, **arguments)


def test_a_bend_that_is_too_far_is_played_around_its_middle():
    instrument = Decaying()
    instrument.furthest_bend = 1.5
    rows = [
        (60, 0.5, 0.0, 1.0, (0.0, 1.5)),
        (60, 0.5, 0.0, 1.5, (0.0, 2.0)),
        (60, 0.5, 0.0, 2.0, (-2.0, 2.0)),
    ]
    joined(Mix(score_of(notes_of(*rows)), [Part(instrument, ONE)]))
    (notes,) = instrument.batches
    assert notes.pitch.tolist() == [60.0, 61.0, 60.0]
    assert notes.bend_semitones.tolist() == [[0.0, 1.5], [-1.0, 1.0], [-1.5, 1.5]]
