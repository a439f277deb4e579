"""Files come out whole, in stereo, with stems, or not at all; and who plays which track."""

from __future__ import annotations

import logging

import pytest
import torch

from timbrel.audio import read_channels
from timbrel.errors import BadAudio, BadInput
from timbrel.instruments.sine import Sine
from timbrel.midi import Score, Track
from timbrel.perform import Part, cast, cast_by_program, for_tracks, perform, spread

from .fakes import Decaying, busy_score, notes_of

ONE = torch.ones(1)
NOTES = notes_of((60, 0.5, 0.0, 0.5))
BAND = Score((
    Track("Lead", 40, False, notes_of((80, 0.5, 0.0, 0.5))),
    Track("", 33, False, notes_of((40, 0.5, 0.0, 0.5))),
    Track("Kit", 0, True, NOTES, channel=10),
    Track("Lead", 0, False, NOTES),
))  # fmt: skip


@pytest.mark.parametrize("name", ["song.wav", "song.flac"])
def test_a_song_becomes_a_stereo_file(tmp_path, name):
    score = busy_score()
    done = perform(score, Part(Decaying(), ONE), tmp_path / name, sample_rate=22050)
    audio, sample_rate = read_channels(done.path)
    assert (sample_rate, audio.shape[0]) == (22050, 2)
    assert done.duration_s == audio.shape[1] / 22050
    assert 0.1 < audio.abs().max() < 1.0
    assert (done.n_notes, done.stems, done.skipped) == (90, (), ())
    assert done.n_rendered < 90


def test_float_stems_add_up_to_the_mix_before_its_limiter(tmp_path):
    parts = [Part(Decaying(), ONE), Part(Decaying(11025), ONE * 0.5), None]
    done = perform(
        busy_score(), parts, tmp_path / "a.wav", gain_db=-20, stems=tmp_path / "stems"
    )  # far below the limiter's knee
    assert [stem.name for stem in done.stems] == ["01-violin.wav", "02-viola.wav"]
    mix, _ = read_channels(done.path)
    stems = [read_channels(stem)[0] for stem in done.stems]
    assert {stem.shape for stem in stems} == {mix.shape}
    assert (sum(stems) - mix).abs().max() < 1e-6
    assert all(stem.abs().max() > 0.005 for stem in stems)


def test_flac_stems_are_limited_each_for_itself(tmp_path):
    perform(busy_score(), Part(Decaying(), ONE), tmp_path / "a.flac", gain_db=30,
            stems=tmp_path / "stems")  # fmt: skip
    mix, _ = read_channels(tmp_path / "a.flac")
    for stem in (tmp_path / "stems").iterdir():
        audio, _ = read_channels(stem)
        assert 0.5 < audio.abs().max() <= 0.967
        assert audio.shape == mix.shape


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_performance_leaves_nothing(tmp_path, interruption):
    def interrupt(what: str, done: float, total: float) -> None:
        if done > total / 2:
            raise interruption

    with pytest.raises(interruption):
        perform(busy_score(), Part(Decaying(), ONE), tmp_path / "a.wav", window_s=1.0,
                stems=tmp_path / "stems", progress=interrupt)  # fmt: skip
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_the_file_name_is_looked_at_before_anything_is_rendered(tmp_path):
    instrument = Decaying()
    with pytest.raises(BadAudio, match=r"a\.mp3 ends in '\.mp3': end it in \.wav or \.flac"):
        perform(busy_score(), Part(instrument, ONE), tmp_path / "a.mp3")
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match=r"cannot write"):
        perform(busy_score(), Part(instrument, ONE), tmp_path / "file" / "a.wav")
    assert instrument.batches == []


def test_drums_without_a_part_are_skipped_with_one_line(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        done = perform(BAND, Part(Sine(), torch.ones(4)), tmp_path / "a.wav")
    assert [record.getMessage() for record in caplog.records] == ["nobody plays Kit"]
    assert [track.label for track in done.skipped] == ["Kit"]


def test_tracks_are_cast_by_number_name_program_and_family():
    default, chosen = Part(Decaying(), ONE), Part(Decaying(), ONE)
    expected = {"1": [0], "lead": [0, 3], "VIOLIN": [0], "string": [0],
                "bass": [1], "drums": [2], "kit": [2]}  # fmt: skip
    for key, places in expected.items():
        parts = cast(BAND, default, {key: chosen})
        assert [i for i, part in enumerate(parts) if part is chosen] == places
        assert all(part is default for i, part in enumerate(parts) if i not in [*places, 2])
    assert cast(BAND, default)[2] is None
    assert cast(BAND, None, {"bass": chosen}) == [None, chosen, None, None]


def test_the_most_particular_choice_counts():
    number, name, family = (Part(Decaying(), ONE) for _ in range(3))
    parts = cast(BAND, None, {"string": family, "lead": name, "4": number})
    assert parts[0] is name
    assert parts[3] is number


def test_words_for_tracks_are_one_grammar_whoever_asks():
    """What `cast` takes and what `--timbre`, `--gain` and `--pan` take."""
    from timbrel.cli.play.parts import numbers_for_tracks, values_for_tracks

    said = {"viol": [0], "pian": [3], "4": [3], "04": [3], "drum": [2], "lead": [0, 3]}
    for word, places in said.items():
        part = Part(Decaying(), ONE)
        assert [i for i, p in enumerate(cast(BAND, None, {word: part})) if p] == places
        values = values_for_tracks(BAND, [f"{word}=x"], "--timbre")
        assert [i for i, value in enumerate(values) if value] == places
    assert numbers_for_tracks(BAND, ["lead=1,4=2,string=3"], "--gain", -6, 6) == [1, None, None, 2]
    assert numbers_for_tracks(BAND, ["0.5", "4=1", "4=2", "1"], "--gain", -6, 6) == [1, 1, 1, 2]


@pytest.mark.parametrize("word", ["", " ", "0", "5", "9" * 5000, "leader"])
def test_words_for_no_track(word):
    with pytest.raises(BadInput, match=r"^no track .* in this score: there are 1 Lead, 2 "):
        for_tracks(BAND, [(word, 1)])


def test_a_number_means_that_track_alone_and_not_one_called_so():
    score = Score((Track("2", 0, False, NOTES), Track("808", 0, False, NOTES)))
    assert for_tracks(score, [("2", "x")]) == [None, "x"]
    assert for_tracks(score, [("808", "x")]) == [None, "x"]


def test_a_choice_for_no_track_is_refused_with_those_there_are():
    message = r"no track 'oboe' in this score: there are 1 Lead, 2 Bass, 3 Kit, 4 Lead"
    with pytest.raises(BadInput, match=message):
        cast(BAND, None, {"oboe": Part(Decaying(), ONE)})


def test_programs_find_timbres_by_name_then_by_kin_then_by_family():
    timbres = {"violin": ONE, "cello": ONE * 2, "slap_bass": ONE * 3}
    parts = cast_by_program(BAND, Decaying(), timbres.get)
    assert [part and part.timbre.item() for part in parts] == [1.0, 3.0, None, None]
    parts = cast_by_program(BAND, Decaying(), timbres.get, default=ONE * 4)
    assert [part and part.timbre.item() for part in parts] == [1.0, 3.0, None, 4.0]


def test_tracks_are_spread_around_the_lowest():
    default = Part(Decaying(), ONE)
    parts = spread(BAND, cast(BAND, default))
    assert [part and part.pan for part in parts] == [pytest.approx(-0.6), 0.0, None, 0.6]
    assert spread(BAND, [default, None, None, None]) == [default, None, None, None]


def test_a_score_with_pans_of_its_own_is_not_spread():
    score = busy_score()
    parts = cast(score, Part(Decaying(), ONE))
    assert spread(score, parts) == parts


@pytest.mark.parametrize(("arguments", "message"), [
    ({"timbre": torch.ones(2)}, r"timbre has shape \(2,\), wanted \[1\]"),
    ({"timbre": torch.tensor([torch.nan])}, r"timbre holds NaN"),
    ({"timbre": ONE, "pan": 1.5}, r"a pan of 1\.5 is outside -1 \(left\) to 1"),
    ({"timbre": ONE, "gain_db": float("nan")}, r"a gain of nan dB is outside -120 to 60"),
])  # fmt: skip
def test_a_part_that_cannot_be_is_refused(arguments, message):
    with pytest.raises(BadInput, match=message):
        Part(Decaying(), **arguments)
