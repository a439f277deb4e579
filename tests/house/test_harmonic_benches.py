"""What the benches of whole notes make of their rows: means, shares, loops, pictures."""

from __future__ import annotations

import math
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

BENCH = Path(__file__).resolve().parents[2] / "bench"
RATE = 16000


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(BENCH)

    def load(name: str) -> SimpleNamespace:
        return SimpleNamespace(**runpy.run_path(str(BENCH / f"{name}.py"), run_name=name))

    return load


def tone(pitch_hz: float, seconds: float = 4.0) -> torch.Tensor:
    return 0.5 * torch.sin(2 * math.pi * pitch_hz * torch.arange(round(RATE * seconds)) / RATE)


@pytest.mark.soundfont
def test_notes_of_a_font_are_as_long_as_asked_and_the_same_again(bench) -> None:
    notes = bench("_notes")
    font = notes.held_out_font()
    flute = font.audio(notes.FontNote(73, 72, hold_s=0.5))
    assert len(flute) == 1.5 * RATE
    assert torch.equal(flute, font.audio(notes.FontNote(73, 72, hold_s=0.5)))
    assert float(flute[: RATE // 2].abs().max()) > 10 * float(flute[-RATE // 4 :].abs().max())
    soft = font.audio(notes.FontNote(73, 72, 25, hold_s=0.5))
    assert float(soft.square().mean()) < 0.5 * float(flute.square().mean())
    assert len(font.audio(notes.FontNote(73, 72), 48000)) == 4 * 48000
    assert len(font.audio(notes.FontNote(73, 72))) == 4 * RATE


def test_instruments_and_pitches_take_turns(bench) -> None:
    heard_notes = bench("unseen_instruments").heard_notes
    all_notes = heard_notes((4, 11, 22, 25, 42, 57, 71, 73), 64)
    assert len({(note.program, note.pitch) for note in all_notes}) == 64
    assert {note.pitch for note in all_notes} == {48, 51, 55, 58, 60, 64, 67, 72}
    assert [note.program for note in heard_notes((4, 11, 22, 25), 2)] == [4, 22]


def test_unseen_keys_are_the_same_for_nothing_and_for_all(bench) -> None:
    unseen = bench("unseen_instruments")
    players = {"": None, "_mel_vae": None}
    row = {"mss": 2.0, "log_mel_l1": 4.0, "pitch_accuracy": 1.0, "attack_error_ms": 10.0}
    worse = row | {"log_mel_l1": 7.0, "pitch_accuracy": math.nan, "attack_error_ms": 1000.0}
    judged = [
        unseen.Judged(interval, {"": row, "_mel_vae": row, "_shift": worse})
        for interval in ("0", "7", "7", "12")
    ]
    judged.append(unseen.Judged("minus_12", {"": worse, "_mel_vae": row, "_shift": worse}))
    figures = unseen.figures_of("foreign_", judged, players)
    assert figures.keys() == unseen.figures_of("foreign_", [], players).keys()
    assert figures["foreign_log_mel_l1_within"] == pytest.approx((4 + 4 + 4 + 7) / 4)
    assert figures["foreign_log_mel_l1_7_shift"] == 7.0
    assert figures["foreign_pitch_accuracy"] == 1.0
    assert math.isnan(figures["foreign_pitch_accuracy_shift"])
    assert math.isnan(figures["foreign_mss_24"])
    assert (figures["foreign_notes_7"], figures["foreign_pitch_notes_minus_12"]) == (2, 0)
    kept = [key for key in unseen.figures_of("", [], players) if unseen.is_known(key)]
    assert {"mss_0", "attack_ms_0_shift", "pitch_accuracy_24_mel_vae", "notes_0"} <= set(kept)
    assert not {"mss_7", "log_mel_l1_within", "notes_24", "mss_minus_12"} & set(kept)


def test_an_exact_player_of_a_recording_is_exact(bench) -> None:
    from timbrel.instruments.sine import Sine
    from timbrel.sound import Notes

    unseen = bench("unseen_instruments")
    # pYIN is slow: two intervals tell as much as seven
    unseen.judge_recording.__globals__["INTERVALS"] = {"0": 0, "12": 12}
    sine = Sine()
    timbre = sine.timbre_space.sample(1)[0]
    recording = next(iter(sine.render(Notes.of(69.0, 85 / 127, 0.6), timbre)))
    judged = list(unseen.judge_recording({"": sine}, {"": timbre}, recording))
    assert [j.interval for j in judged] == ["0", "12"]
    assert judged[0].rows[""]["log_mel_l1"] < 1.5
    assert all(j.rows[""]["pitch_accuracy"] > 0.95 for j in judged)


def test_a_sampler_plays_its_loop_and_lets_go(bench) -> None:
    from timbrel.dsp.looping import make_looped

    durations = bench("durations")
    note = torch.cat([tone(440.0, 3.0), torch.zeros(RATE)])
    looped = make_looped(note.numpy(), 3 * RATE, RATE)
    for hold_s in (0.05, 3.0, 5.0):
        sound = durations.sampler_note(looped, hold_s)
        assert len(sound) == round((hold_s + 1) * RATE)
        level = sound[: round(hold_s * RATE)].square().mean().sqrt()
        assert float(level) == pytest.approx(0.5 / math.sqrt(2), rel=0.02)
        assert float(sound[-RATE // 2 :].abs().max()) < 1e-3


def test_durations_tell_a_loop_from_the_true_note(bench) -> None:
    durations = bench("durations")
    noise = torch.randn(11 * RATE, generator=torch.manual_seed(0)) * 0.1
    loop = noise[:RATE].repeat(11)
    rows = durations.long_rows({"": noise, "_loop": loop, "_real": noise}, 10.0)
    assert rows["_loop"]["periodicity"] > 0.95 > 0.3 > rows[""]["periodicity"]
    assert rows[""]["drift_error_db_per_s"] == 0.0
    falling = noise * torch.from_numpy(10 ** (-np.arange(11 * RATE) / RATE / 4)).float()
    rows = durations.long_rows({"": noise, "_loop": loop, "_real": falling}, 10.0)
    assert "periodicity" not in rows[""]
    assert rows[""]["drift_error_db_per_s"] == pytest.approx(5.0, abs=0.1)
    short = durations.short_rows({"": noise, "_loop": loop, "_real": noise}, 1.0)
    assert short[""] == {"log_mel_l1": 0.0, "release_ms": 0.0}
    every = durations.figures_of({end: {} for end in ("", "_loop", "_real")})
    assert math.isnan(every["log_mel_l1_50ms"])
    assert every["sustained_notes_30s"] == 0
    assert "periodicity_30s_real" in every
    assert "log_mel_l1_3s_real" not in every


def test_a_change_of_colour_is_told_from_one_of_level(bench) -> None:
    velocity = bench("velocity")
    dull, bright = tone(220.0), tone(220.0) + 0.3 * tone(1760.0)
    right = velocity.judge((dull, bright), (dull, bright))
    assert right["colour_error"] == right["level_change_error_db"] == right["log_mel_l1"] == 0.0
    assert right["octaves"] == right["octaves_real"] > 0.2
    level = velocity.judge((dull, 0.5 * dull), (dull, bright))
    assert level["colour_error"] == pytest.approx(level["colour_error_unchanged"], rel=0.01)
    assert level["level_change_error_db"] == pytest.approx(6.4, abs=0.1)
    wrong = right | {"octaves": -right["octaves"]}
    assert velocity.right_way([right, right, wrong]) == pytest.approx(2 / 3)
    assert velocity.gain([right]) == pytest.approx(1.0)
    assert velocity.gain([right, wrong]) == pytest.approx(0.0)
    weaker = {key: value / 2 for key, value in right.items()}
    assert velocity.correlation([right, weaker]) == pytest.approx(1.0)
    keys = velocity.figures_of({v: [] for v in velocity.VELOCITIES})
    assert keys.keys() == velocity.figures_of({v: [right] for v in velocity.VELOCITIES}).keys()


def test_a_pad_has_1215_notes_and_a_few_of_them_tell_its_time(bench) -> None:
    from timbrel.instruments.sine import Sine

    speed = bench("harmonic_speed")
    assert speed.PAD_NOTES == 1215
    sine = Sine()
    corners = torch.stack([sine.timbre_space.sample(1)[0] for _ in range(4)])
    figures = speed.pad_figures(sine, corners, "_end", 3)
    assert figures["pad_s_end"] == pytest.approx(1215 / figures["notes_per_s_end"])
    speeds = speed.speeds(sine, corners, 48000, "", 1)
    assert set(speeds) == {"x_realtime_48_batch1", "x_realtime_48_batch16"}
    assert all(value > 1 for value in speeds.values())


def test_the_page_of_notes_is_small(bench, tmp_path) -> None:
    page = bench("sound_pictures")
    assert len(page.NOTES) == 8
    ends = {"_real": "real", "_ceiling": "ceiling", "": "ours"}
    noise = 0.1 * torch.randn(4 * RATE, generator=torch.manual_seed(0))
    columns = [{end: tone(220.0 * (1 + n)) + noise for end in ends} for n in range(3)]
    row = {"log_mel_l1": 1.0, "pitch_accuracy": 0.5}
    judged = [dict.fromkeys(ends, row)] * 3
    path = tmp_path / "page.png"
    page.draw(path, ends, ["one", "two", "three"], columns, judged)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert path.stat().st_size < 120_000
    assert [p.name for p in tmp_path.iterdir()] == ["page.png"]
    figures = page.figures_of(["one", "two", "three"], judged)
    assert figures["log_mel_l1_two"] == figures["log_mel_l1"] == 1.0
    assert "pitch_accuracy_real" in figures
    assert "log_mel_l1_real" not in figures
