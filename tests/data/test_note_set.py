from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st

from timbrel.data import NoteSet
from timbrel.data.notes.note_audio import read_batch
from timbrel.data.notes.nsynth_layout import QUALITIES
from timbrel.errors import BadAudio, BadInput

from .conftest import entry, tone

BRIGHT = [1] + [0] * 9


def spoil(home, name: str, **keys):
    path = home / "examples.json"
    table = json.loads(path.read_text())
    table[name] |= keys
    path.write_text(json.dumps(table))


@pytest.fixture
def home(make_set):
    return make_set(
        [
            entry("reed_acoustic_071", 64, hold_s=0.25, qualities=BRIGHT),
            entry("keyboard_electronic_004", 60),
            entry("keyboard_electronic_004", 72),
            entry("unknown_acoustic_003", 48),
        ]
    )


def test_what_is_in_the_file_is_what_comes_out(home):
    notes = NoteSet.open(home)
    assert len(notes) == 4
    assert notes.instruments == (
        "keyboard_electronic_004", "reed_acoustic_071", "unknown_acoustic_003",
    )  # fmt: skip
    assert notes.instrument.tolist() == [0, 0, 1, 2]
    assert notes.pitch.tolist() == [60, 72, 64, 48]
    assert notes.velocity.tolist() == [100] * 4
    assert notes.hold_s.tolist() == [3.0, 3.0, 0.25, 3.0]
    reed = notes[2]
    assert (reed.note_str, reed.family, reed.source) == (
        "reed_acoustic_071-064-100",
        "reed",
        "acoustic",
    )
    assert (reed.qualities, reed.hold_s) == (("bright",), 0.25)
    assert notes[3].family == "unknown"
    assert notes[0].source == "electronic"


def test_a_set_is_shown_in_one_line(home):
    said = repr(NoteSet.open(home))
    assert said == f"<NoteSet {home}: 4 notes of 3 instruments, 16000 Hz>"


def test_audio_is_what_was_written_to_one_step_of_16_bits(home):
    notes = NoteSet.open(home)
    assert (notes.audio(1) - torch.from_numpy(tone(72))).abs().max() <= 1 / 32768
    batch = notes.audio_batch([1, 2])
    assert torch.equal(batch[0], notes.audio(1))
    assert torch.equal(batch[1], notes.audio(2))


def test_a_batch_is_padded_or_cut_to_the_wanted_length(home, tmp_path):
    soundfile.write(tmp_path / "float.wav", tone(60, 0.1), 16000, subtype="FLOAT")
    path = NoteSet.open(home).path(0)
    batch = read_batch([path, tmp_path / "float.wav"], 16000)
    assert batch.shape == (2, 4000)
    assert torch.equal(batch[1, :1600], torch.from_numpy(tone(60, 0.1)))
    assert not batch[1, 1600:].any()
    assert torch.equal(read_batch([path], 16000, 1000)[0], batch[0, :1000])
    assert read_batch([], 16000).shape == (0, 0)


def test_a_subset_keeps_the_order_and_names_only_its_own_instruments(home):
    notes = NoteSet.open(home)
    subset = notes.subset([3, 0])
    assert subset.instruments == ("keyboard_electronic_004", "unknown_acoustic_003")
    assert subset.instrument.tolist() == [1, 0]
    assert [subset[i].note_str for i in range(2)] == [notes[3].note_str, notes[0].note_str]
    assert torch.equal(subset.audio(1), notes.audio(0))
    assert len(notes.subset(torch.nonzero(notes.pitch > 200)[:, 0])) == 0


def test_a_folder_above_is_searched(home, make_set, tmp_path):
    assert len(NoteSet.open(tmp_path)) == 4
    make_set([entry()], "nsynth-test")
    with pytest.raises(BadInput, match=r"holds nsynth-test, nsynth-train: name one of them$"):
        NoteSet.open(tmp_path)
    assert len(NoteSet.open(tmp_path, "test")) == 1
    with pytest.raises(BadInput, match=r"is no note set .*nsynth-valid/examples.json in it$"):
        NoteSet.open(tmp_path, "valid")


def test_an_unfinished_set_says_so(tmp_path):
    with pytest.raises(BadInput, match=r"no note set at .*nowhere: no such folder"):
        NoteSet.open(tmp_path / "nowhere")
    (tmp_path / "nsynth-train" / "audio").mkdir(parents=True)
    with pytest.raises(BadInput, match=r"is no note set \(nsynth-train unfinished\): wanted"):
        NoteSet.open(tmp_path)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"pitch": 128}, r"pitch is 128, wanted a whole number 0 to 127$"),
        ({"pitch": 60.0}, r"pitch is 60.0, wanted a whole number"),
        ({"pitch": True}, r"pitch is True, wanted a whole number"),
        ({"pitch": None}, r"pitch is None, wanted a whole number"),
        ({"velocity": -1}, r"velocity is -1, wanted"),
        ({"instrument_family": 12}, r"instrument_family is 12, wanted a whole number 0 to 11$"),
        ({"instrument_source": "x"}, r"instrument_source is 'x', wanted"),
        ({"sample_rate": 0}, r"sample_rate is 0, wanted"),
        ({"hold_s": 0}, r"hold_s is 0, wanted seconds above 0, at most 600$"),
        ({"hold_s": float("nan")}, r"hold_s is nan, wanted seconds"),
        ({"qualities": [0, 1]}, r"qualities is \[0, 1\], wanted ten numbers 0 or 1$"),
        ({"qualities": [[]] * 10}, r"qualities is \[\[\], .*wanted ten"),
        ({"instrument_str": 7}, r"instrument_str is 7, wanted a name$"),
        ({"note_str": "other"}, r"calls itself 'other': make the set again$"),
    ],
)  # fmt: skip
def test_an_entry_that_cannot_be_used_is_named(home, keys, message):
    name = "keyboard_electronic_004-060-100"
    spoil(home, name, **keys)
    with pytest.raises(BadInput, match=f"note '{name}'.*{message}"):
        NoteSet.open(home)


@pytest.mark.parametrize("name", ["../../x", "/etc/x", "a/b", "..", "", "a\0b", "x" * 300])
def test_a_name_cannot_leave_the_folder(home, name):
    path = home / "examples.json"
    path.write_text(json.dumps({name: entry() | {"note_str": name}}))
    with pytest.raises(BadInput, match="is no file name"):
        NoteSet.open(home)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": {"pitch"', "is not whole JSON"),
        ("", "is not whole JSON"),
        ("[" * 100000, "is not whole JSON"),
        ("[]", r"holds \[\], wanted notes by name"),
        ("{}", r"holds {}, wanted notes by name"),
        ('{"a": 3}', "note 'a' is 3, wanted an object"),
        (b"\xff\xfe\x00", "is not whole JSON"),
    ],
)
def test_a_damaged_examples_file_is_refused(home, text, message):
    content = text if isinstance(text, bytes) else text.encode()
    (home / "examples.json").write_bytes(content)
    with pytest.raises(BadInput, match=message):
        NoteSet.open(home)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
                    lambda x: st.lists(x, max_size=3) | st.dictionaries(
                        st.sampled_from(["a", "pitch", "qualities", "hold_s", "../x"]), x),
                    max_leaves=12))  # fmt: skip
def test_no_json_makes_anything_but_one_line(tmp_path_factory, value):
    home = tmp_path_factory.mktemp("set")
    (home / "examples.json").write_text(json.dumps(value))
    with pytest.raises(BadInput) as caught:
        NoteSet.open(home)
    assert "\n" not in str(caught.value)


def test_missing_wavs_are_counted(home):
    NoteSet.open(home).path(0).unlink()
    with pytest.raises(BadInput, match=r"1 of 4 notes have no wav in audio/ \(keyboard_"):
        NoteSet.open(home)


def test_a_wav_that_is_not_the_sets_own_is_refused(home):
    notes = NoteSet.open(home)
    soundfile.write(notes.path(0), tone(60, 0.1, 44100), 44100)
    with pytest.raises(BadAudio, match=r"has 44100 Hz and 1 channels, its set says 16000 Hz mono"):
        notes.audio(0)
    soundfile.write(notes.path(0), np.zeros((100, 2)), 16000)
    with pytest.raises(BadAudio, match=r"has 16000 Hz and 2 channels"):
        notes.audio_batch([0])
    soundfile.write(notes.path(0), np.full(100, np.nan), 16000, subtype="FLOAT")
    with pytest.raises(BadAudio, match=r"holds NaN or infinity"):
        notes.audio(0)
    notes.path(0).write_bytes(b"RIFF")
    with pytest.raises(BadAudio, match=r"cannot be read"):
        notes.audio(0)


def test_notes_of_two_rates_are_no_set(home):
    spoil(home, "reed_acoustic_071-064-100", sample_rate=44100)
    with pytest.raises(BadInput, match=r"notes of 2 sample rates \(16000, 44100 Hz\)"):
        NoteSet.open(home)


def test_there_are_ten_qualities(home):
    assert NoteSet.open(home).qualities.shape == (4, len(QUALITIES))
