from __future__ import annotations

import hashlib
import math
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from timbrel.config import make_settings, read_settings
from timbrel.data import NoteSet
from timbrel.data.soundfonts.gm_programs import chosen_programs
from timbrel.data.soundfonts.plan import PlannedNote, plan_notes
from timbrel.data.soundfonts.rendering import Fate, FontPlayer, render_notes, start_worker
from timbrel.data.soundfonts.soundfont import SoundFontSettings, gm_programs, render_soundfont
from timbrel.errors import BadConfig, BadInput, MissingExtra

from .tiny_font import tiny_font

pytest.importorskip("tinysoundfont")
PIANO, VIOLIN = gm_programs()[0], gm_programs()[40]
REPOSITORY = Path(__file__).parents[2]


def settings(**keys) -> SoundFontSettings:
    train = {
        "pitches": {"lowest": 57, "highest": 72, "step": 5},
        "velocities": [60, 120],
        "short_holds": 0.5,
    }
    test = train | {"instruments": "held_out", "short_holds": 0.0}
    return make_settings(
        SoundFontSettings, {"held_out": [40], "splits": {"train": train, "test": test}} | keys
    )


@pytest.fixture
def font(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.sf2"
    path.write_bytes(tiny_font((0, 40, 88)))
    return path


@pytest.fixture
def player(font: Path) -> FontPlayer:
    return FontPlayer(font, settings())


def files(out: Path) -> dict[str, str]:
    return {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


def frequency_hz(audio: np.ndarray, sample_rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(audio * np.hanning(len(audio)), 8 * len(audio)))
    return float(spectrum.argmax() * sample_rate / (8 * len(audio)))


def note(pitch: int = 69, velocity: int = 100, hold_s: float | None = None) -> PlannedNote:
    return PlannedNote("train", PIANO, pitch, velocity, hold_s)


class TestPlan:
    def test_ninety_two_programs_have_a_family(self):
        usable = chosen_programs(None, {})
        assert len(gm_programs()) == 128
        assert len(usable) == 92
        assert PIANO.instrument_str == "keyboard_acoustic_000"
        assert VIOLIN.instrument_str == "string_acoustic_040"

    def test_held_out_programs_are_in_their_splits_alone(self):
        notes = plan_notes(settings(), (PIANO, VIOLIN))
        assert {n.program for n in notes if n.split == "train"} == {PIANO}
        assert {n.program for n in notes if n.split == "test"} == {VIOLIN}

    def test_short_holds_double_a_share_of_the_notes_under_names_of_their_own(self):
        notes = plan_notes(settings(), (PIANO, VIOLIN))
        short = [n for n in notes if n.hold_s is not None]
        assert len(notes) == 8 + 4 + 8
        assert len(short) == 4
        assert len({n.note_str for n in notes}) == len(notes)
        assert all(n.hold_s and 0.05 <= n.hold_s <= 2.0 for n in short)
        assert short[0].note_str.endswith(f"-h{round(1000 * (short[0].hold_s or 0)):04d}")

    def test_short_holds_spread_evenly_over_their_logarithm(self):
        many = settings(splits={"train": {"short_holds": 1.0}})
        holds = [n.hold_s for n in plan_notes(many, (PIANO,)) if n.hold_s]
        assert len(holds) == 88 * 5
        middle = math.sqrt(0.05 * 2.0)
        assert abs(sum(hold < middle for hold in holds) / len(holds) - 0.5) < 0.1

    def test_the_plan_follows_the_seed_alone(self):
        assert plan_notes(settings(), (PIANO,)) == plan_notes(settings(), (PIANO,))
        assert plan_notes(settings(seed=1), (PIANO,)) != plan_notes(settings(), (PIANO,))

    def test_the_committed_config_holds_out_eight_instruments_and_the_odd_pitches(self):
        fluid = read_settings(SoundFontSettings, REPOSITORY / "configs/fluid.toml")
        notes = plan_notes(fluid, chosen_programs(fluid.programs, fluid.families))
        by_split = {s: [n for n in notes if n.split == s] for s in fluid.splits}
        assert {s: len(found) for s, found in by_split.items()} == {
            "train": 84 * 37 * 3 * 4 // 3, "valid": 84 * 12, "test": 8 * 25 * 3,
        }  # fmt: skip
        heard = {n.program.number for n in by_split["train"]}
        assert {n.program.number for n in by_split["test"]} == {4, 11, 22, 25, 42, 57, 71, 73}
        assert not heard & {4, 11, 22, 25, 42, 57, 71, 73}
        assert all(n.pitch % 2 == 0 for n in by_split["train"])
        assert all(n.pitch % 2 == 1 for n in by_split["valid"])

    @pytest.mark.parametrize(
        ("tables", "message"),
        [
            ({"program": [0]}, r"unknown key 'program', did you mean 'programs'"),
            ({"programs": [128]}, r"programs.0 = 128: Input should be less than or equal to 127"),
            ({"splits": {"dev": {}}}, r"splits.dev"),
            ({"splits": {}}, r"splits = {}"),
            ({"splits": {"train": {"velocities": [0]}}}, r"velocities.0 = 0"),
            ({"gain_db": "loud"}, r"gain_db = 'loud'"),
        ],
    )
    def test_bad_settings_are_named(self, tables, message):
        with pytest.raises(BadConfig, match=message):
            make_settings(SoundFontSettings, tables)

    def test_a_program_without_a_family_wants_one(self):
        with pytest.raises(BadConfig, match=r"program 88 \(Fantasia\) has no NSynth family: leave"):
            chosen_programs((88,), {})
        assert chosen_programs((88,), {88: "synth_lead"})[0].family == "synth_lead"
        with pytest.raises(BadConfig, match=r"families.88 = 'pad': wanted one of bass, brass"):
            chosen_programs((88,), {88: "pad"})


class TestPlayer:
    @pytest.mark.parametrize("pitch", [33, 57, 69, 81, 96])
    def test_a_key_sounds_at_its_frequency(self, player, pitch):
        audio = player.play(note(pitch))
        assert len(audio) == 64000
        expected = 440 * 2 ** ((pitch - 69) / 12)
        assert frequency_hz(audio[8000:40000], 16000) == pytest.approx(expected, rel=1e-3)

    def test_what_lies_above_nyquist_is_not_mirrored_back(self, player):
        above, below = (np.abs(player.play(note(pitch))[8000:40000]).max() for pitch in (124, 96))
        assert above < 0.01 * below

    def test_velocity_is_heard(self, player):
        soft, loud = (np.abs(player.play(note(69, v))).max() for v in (60, 120))
        assert loud / soft == pytest.approx(2.0, rel=0.02)

    def test_gain_is_in_decibels(self, font, player):
        louder = FontPlayer(font, settings(gain_db=3.0))
        ratio = np.abs(louder.play(note())).max() / np.abs(player.play(note())).max()
        assert 20 * math.log10(ratio) == pytest.approx(6.0, abs=0.01)

    @pytest.mark.parametrize("hold_s", [0.05, 0.5, 3.0])
    def test_the_key_goes_up_when_it_should(self, player, hold_s):
        audio = player.play(note(69, 100, hold_s))
        up = round(hold_s * 16000)
        level = np.abs(audio).max()
        assert np.abs(audio[up - 100 : up]).max() > 0.95 * level
        assert np.abs(audio[up + 3200 :]).max() < 0.001 * level

    def test_a_note_does_not_depend_on_the_notes_before_it(self, font, player):
        alone = FontPlayer(font, settings()).play(note(69))
        for before in (note(96, 127), note(33, 20, 0.05)):
            player.play(before)
            assert np.array_equal(player.play(note(69)), alone)

    def test_any_sample_rate(self, font):
        audio = FontPlayer(font, settings(sample_rate=44100)).play(note(69))
        assert len(audio) == 4 * 44100
        assert frequency_hz(audio[8000:80000], 44100) == pytest.approx(440, rel=1e-3)

    def test_notes_too_quiet_are_left_out_and_those_too_loud_clipped(self, tmp_path, font):
        quiet = tmp_path / "quiet.sf2"
        quiet.write_bytes(tiny_font((0,), keys=(60, 70)))
        start_worker(quiet, settings())
        notes = [note(59), note(69)]
        fates = [fate for _, fate in render_notes(notes, tmp_path / "a")]
        assert fates == [Fate.SILENT, Fate.WRITTEN]
        assert [p.stem for p in tmp_path.rglob("*.wav")] == ["keyboard_acoustic_000-069-100"]
        assert [fate for _, fate in render_notes(notes, tmp_path / "a")][1] is Fate.KEPT
        start_worker(font, settings(gain_db=20.0))
        assert render_notes([note()], tmp_path / "b")[0][1] is Fate.CLIPPED


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rendered")
    font = folder / "tiny.sf2"
    font.write_bytes(tiny_font((0, 40, 88)))
    told = []
    report = render_soundfont(
        font, folder / "set", settings(), processes=0, progress=lambda *p: told.append(p)
    )
    return font, report, told


class TestSet:
    def test_the_report_counts_what_is_there(self, rendered):
        _, report, told = rendered
        assert report.notes == {"train": 12, "test": 8}
        assert (report.silent, report.clipped) == (0, 0)
        assert len(report.absent) == 90
        assert "73 Flute" in report.absent
        assert ("rendering", 20, 20) in told
        assert ("measuring qualities", 12, 12) in told

    def test_the_set_opens_and_tells_the_holds(self, rendered):
        _, report, _ = rendered
        notes = NoteSet.open(report.folder, "train")
        assert notes.instruments == ("keyboard_acoustic_000",)
        assert sorted(set(notes.pitch.tolist())) == [57, 62, 67, 72]
        assert set(notes.velocity.tolist()) == {60, 120}
        short = notes.hold_s < 3
        assert int(short.sum()) == 4
        for i in short.nonzero()[:, 0].tolist():
            assert notes.names[i].endswith(f"-h{round(1000 * notes[i].hold_s):04d}")
            up = round(notes[i].hold_s * 16000)
            assert notes.audio(i)[up + 3200 :].abs().max() < 1e-3
        assert NoteSet.open(report.folder, "test").instruments == ("string_acoustic_040",)

    def test_qualities_are_measured(self, rendered):
        _, report, _ = rendered
        dark = NoteSet.open(report.folder, "train")[0].qualities
        assert "dark" in dark
        assert "bright" not in dark

    def test_a_stopped_run_is_finished_by_the_same_call_whatever_the_processes(self, rendered):
        font, report, _ = rendered
        out = report.folder
        before = files(out)
        for i, path in enumerate(sorted(out.rglob("*.wav"))):
            if i % 3:
                path.unlink()
        for path in out.glob("nsynth-*/examples.json"):
            path.unlink()
        assert render_soundfont(font, out, settings(), processes=2).notes == report.notes
        assert files(out) == before

    def test_another_font_or_other_settings_want_another_folder(self, rendered, monkeypatch):
        font, report, _ = rendered
        before = files(report.folder)
        with pytest.raises(BadInput, match=r"holds a set of another font or other settings"):
            render_soundfont(font, report.folder, settings(gain_db=0.0), processes=0)
        assert files(report.folder) == before

    def test_a_set_that_is_no_fonts_is_not_touched(self, font, tmp_path):
        (tmp_path / "set" / "nsynth-train").mkdir(parents=True)
        with pytest.raises(BadInput, match=r"holds a set that is not from a SoundFont: choose an"):
            render_soundfont(font, tmp_path / "set", settings(), processes=0)


class TestBadFonts:
    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (None, r"^no SoundFont at .*font.sf2: check the path$"),
            (b"", r"is no SoundFont: give an .sf2 or .sf3 file$"),
            (b"RIFF\x10\0\0\0WAVEfmt ", r"is no SoundFont: give an .sf2 or .sf3 file$"),
            (tiny_font()[:3000], r"is damaged or no SoundFont: give a whole .sf2 or .sf3 file$"),
        ],
    )
    def test_they_are_refused_in_one_line(self, tmp_path, content, message):
        path = tmp_path / "font.sf2"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(BadInput, match=message):
            render_soundfont(path, tmp_path / "set", settings(), processes=1)
        assert not (tmp_path / "set").exists()

    def test_a_font_of_that_name_that_is_installed_is_named(self, font, tmp_path, monkeypatch):
        monkeypatch.setattr("timbrel.data.soundfonts.font._INSTALLED", (str(tmp_path),))
        with pytest.raises(BadInput, match=rf"no SoundFont at {font.name}: did you mean {font}\?$"):
            render_soundfont(Path(font.name), tmp_path / "set", settings(), processes=0)

    def test_names_in_another_encoding_are_names(self, tmp_path):
        path = tmp_path / "font.sf2"
        path.write_bytes(tiny_font().replace(b"P0\0", b"\x80\xff\0"))
        assert FontPlayer(path, settings()).programs() == (0,)

    def test_a_program_that_is_not_there_is_named(self, font, tmp_path):
        wanted = settings(programs=[0, 73])
        with pytest.raises(BadInput, match=r"has no program 73 Flute: leave it out of `programs`$"):
            render_soundfont(font, tmp_path / "set", wanted, processes=0)

    def test_without_tinysoundfont_the_extra_is_named(self, font, tmp_path, monkeypatch):
        monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
        with pytest.raises(MissingExtra, match=r"pip install 'timbrel\[soundfont\]'"):
            render_soundfont(font, tmp_path / "set", settings())


SMALL = {"programs": [0], "splits": {"train": {"pitches": {"lowest": 55, "highest": 70}}}}
SCRIPT = f"""
import sys
from timbrel.config import make_settings
from timbrel.data.soundfonts.soundfont import SoundFontSettings, render_soundfont
if __name__ == "__main__":
    settings = make_settings(SoundFontSettings, {SMALL})
    render_soundfont(sys.argv[1], sys.argv[2], settings, processes=1)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kills with a signal")
def test_a_killed_run_leaves_no_set_and_is_finished_by_the_next(font, tmp_path):
    script, out = tmp_path / "run.py", tmp_path / "set"
    script.write_text(SCRIPT)
    first = subprocess.Popen([sys.executable, script, font, out], stderr=subprocess.DEVNULL)
    while not any(out.rglob("*-060-*.wav")) and first.poll() is None:
        time.sleep(0.01)
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert any(out.rglob("*.wav"))
    assert not (out / "nsynth-train/examples.json").exists()
    with pytest.raises(BadInput, match=r"\(nsynth-train unfinished\)"):
        NoteSet.open(out)
    small = make_settings(SoundFontSettings, SMALL)
    assert render_soundfont(font, out, small, processes=0).notes == {"train": 80}
    assert len(NoteSet.open(out)) == 80
    assert not [path for path in out.rglob(".*") if path.is_file()]


@pytest.mark.soundfont
def test_a_real_font_is_in_tune_and_repeats_itself(soundfont):
    real = FontPlayer(soundfont, settings())
    assert real.programs() == tuple(range(128))
    flute = PlannedNote("train", gm_programs()[73], 69, 100)
    first = real.play(flute)
    real.play(note(40, 127))
    assert np.array_equal(real.play(flute), first)
    assert frequency_hz(first[8000:40000], 16000) == pytest.approx(440, rel=0.01)
    assert torch.from_numpy(first).isfinite().all()
