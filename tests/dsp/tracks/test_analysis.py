"""Analysis, and the way there and back: levels that were put in come out again."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from made import cents, harmonic_tone, vibrato, white_noise

from timbrel.dsp.distances import log_mel_l1_db, mss_db
from timbrel.dsp.tracks import SILENT_DB, Bands, Tracks, silence, synthesise
from timbrel.dsp.tracks.analysis import analyse
from timbrel.errors import BadAudio

RATE = 16000


def made_note(f0_hz: float, *, frames: int = 401, noise_db: float = -120.0) -> Tracks:
    """Partials that decay, the higher the faster, over noise of even density."""
    time_s = torch.arange(frames)[:, None] / 200
    n_harmonics = min(12, int(7000 / f0_hz))
    order = torch.arange(1, n_harmonics + 1)
    note = silence(frames=frames, harmonics=n_harmonics, bands=40)
    density_db = 10 * (Bands(RATE).widths_hz() / 8000).log10()
    return replace(
        note,
        f0_hz=torch.full((frames,), f0_hz),
        harmonic_db=-15 - 3.0 * order - (3.0 + order) * time_s,
        noise_db=(noise_db + density_db).expand(frames, -1).clamp_min(SILENT_DB),
    )


def analysed(note: Tracks, **changes) -> tuple[Tracks, Tracks]:
    note = replace(note, **changes)
    f0_hz = float(note.f0_hz.median())
    return note, analyse(synthesise(note, RATE), RATE, f0_hz)


@pytest.mark.parametrize("f0_hz", [65.4, 220.0, 880.0])
def test_decaying_partials_come_back(f0_hz: float) -> None:
    note, found = analysed(made_note(f0_hz))
    n = note.n_harmonics
    off_db = (found.harmonic_db[:, :n] - note.harmonic_db[: found.n_frames])[15:-15]
    assert off_db.abs().mean() < 0.1
    assert off_db.abs().max() < 0.5
    assert (found.harmonic_db[15:-15, n:] < note.harmonic_db.max() - 60).all()
    assert (found.offset == 0).all()


def test_the_first_frame_is_as_loud_as_it_is() -> None:
    """A note that begins at once: the window that is half empty makes it 6 dB softer, undone."""
    note, found = analysed(made_note(220.0))
    assert (found.harmonic_db[:10, :12] - note.harmonic_db[:10]).abs().max() < 1.2


def test_vibrato_comes_back_and_leaves_the_levels_alone() -> None:
    note = made_note(440.0)
    frames = torch.arange(note.n_frames, dtype=torch.float64) / 200
    f0_hz = (440 * vibrato(5.5, 40)(frames)).float()
    note, found = analysed(note, f0_hz=f0_hz)
    n_frames, n = found.n_frames, note.n_harmonics
    assert cents(found.f0_hz / f0_hz[:n_frames])[15:-15].abs().max() < 4
    off_db = (found.harmonic_db[:, :n] - note.harmonic_db[:n_frames])[15:-15]
    assert off_db.abs().mean() < 0.3
    assert off_db[:, 0].abs().max() < 0.5


def test_tremolo_comes_back() -> None:
    note = made_note(220.0)
    frames = torch.arange(note.n_frames)[:, None] / 200
    swell_db = 3 * (2 * torch.pi * 6 * frames).sin()
    note, found = analysed(note, harmonic_db=note.harmonic_db + swell_db)
    off_db = (found.harmonic_db[:, :12] - note.harmonic_db[: found.n_frames])[15:-15]
    assert off_db.abs().mean() < 0.3
    assert off_db.abs().max() < 1


@pytest.mark.parametrize("noise_db", [-30.0, -50.0])
def test_noise_comes_back_beside_the_partials(noise_db: float) -> None:
    note, found = analysed(made_note(220.0, noise_db=noise_db))
    power = (10 ** (tracks.noise_db[20:380] / 10) for tracks in (found, note))
    found_db, wanted_db = (10 * p.mean(0).log10() for p in power)
    assert (found_db - wanted_db).mean().abs() < 0.5
    assert (found_db - wanted_db).abs().max() < 4.5
    assert (found.harmonic_db[20:200, 0] - note.harmonic_db[20:200, 0]).abs().mean() < 0.3


def test_a_bell_comes_back() -> None:
    note = made_note(400.0)
    offset = torch.tensor([0.0, 0.4, 0.0, 0.3, -0.25, *[0.0] * 7])
    note, found = analysed(note, offset=offset)
    assert (found.offset[:12] - offset).abs().max() < 0.01
    # neighbours that are no longer whole periods apart are heard a little
    assert (found.harmonic_db[20:200, :8] - note.harmonic_db[20:200, :8]).abs().mean() < 1


def test_noise_alone_comes_back_as_noise() -> None:
    audio = white_noise(0.1, seconds=2.0)
    again = synthesise(analyse(audio, RATE, 220.0), RATE)
    assert 10 * (again.square().mean() / 0.01).log10().abs() < 0.5
    noise = synthesise(analyse(audio, RATE, 220.0), RATE, hear="noise")
    assert 10 * (noise.square().mean() / again.square().mean()).log10() > -1


@pytest.mark.parametrize("f0_hz", [65.4, 440.0, 1500.0])
def test_there_and_back_is_near_transparent(f0_hz: float) -> None:
    note = made_note(f0_hz, noise_db=-45.0)
    audio = synthesise(note, RATE)
    again = synthesise(analyse(audio, RATE, f0_hz), RATE, length=len(audio))
    take = synthesise(note, RATE, noise_start=torch.tensor(9000))
    # another take of the same noise is what no analysis could do better than
    assert log_mel_l1_db(again, audio) < 0.5 + log_mel_l1_db(take, audio)
    assert mss_db(again, audio, RATE) < 0.7 + mss_db(take, audio, RATE)


@pytest.mark.parametrize("rate", [44100, 48000])
def test_other_rates(rate: int) -> None:
    tone = harmonic_tone(440.0, (0.3, 0.1, 0.05), sample_rate=rate)
    found = analyse(tone, rate, 440.0, burst=False)
    assert found.n_bands == Bands(rate).n_bands
    wanted_db = 20 * torch.tensor([0.3, 0.1, 0.05]).log10()
    assert (found.harmonic_db[20:180, :3] - wanted_db).abs().max() < 0.1


def test_a_note_that_stops_is_silent_after() -> None:
    tone = harmonic_tone(440.0, (0.3, 0.1), level=lambda t: (t < 0.03).double())
    found = analyse(tone, RATE, 440.0)
    assert found.harmonic_db[3, 0] > -14
    assert found.harmonic_db[20:].max() < -100
    assert found.noise_db[20:].max() < -90


@pytest.mark.parametrize("length", [1, 2, 80, 320])
def test_very_short_sounds_have_tracks(length: int) -> None:
    tracks = analyse(harmonic_tone(440.0, (0.3,))[:length], RATE, 440.0)
    assert tracks.n_frames >= 1
    assert all(bool(curve.isfinite().all()) for curve in tracks._curves())


def test_silence_is_silent() -> None:
    tracks = analyse(torch.zeros(RATE), RATE, 440.0)
    assert synthesise(tracks, RATE).abs().max() < 1e-5


@pytest.mark.parametrize(
    ("audio", "f0_hz", "message"),
    [
        (torch.zeros(0), 440.0, r"finite mono audio, got shape \(0,\)$"),
        (torch.zeros(100) * float("nan"), 440.0, "finite mono audio"),
        (torch.zeros(100), 0.0, "f0 is 0 Hz, wanted above 0 and below 8000"),
        (torch.zeros(100), 9000.0, "f0 is 9000 Hz"),
        (torch.zeros(100), float("nan"), "f0 is nan Hz"),
    ],
)
def test_what_cannot_be_analysed_is_refused(audio, f0_hz: float, message: str) -> None:
    with pytest.raises(BadAudio, match=message):
        analyse(audio, RATE, f0_hz)
