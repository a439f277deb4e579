"""The player plays what `render` renders, frame by frame, and follows what comes meanwhile."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numba.core import event

from timbrel.dsp.compiling import kernel
from timbrel.instruments.harmonic import Harmonic, HarmonicSettings
from timbrel.instruments.harmonic.compiled_decoder import (
    FALLEN,
    ROWS,
    SAID,
    condition,
    conditions,
    decoder_layers,
    desk,
    say,
    say_fallen,
)
from timbrel.instruments.harmonic.knobs import Knobs
from timbrel.instruments.harmonic.player import HarmonicPlayer
from timbrel.instruments.harmonic.sounding import Sounding
from timbrel.instruments.instrument import resolve_controls
from timbrel.sound import Notes
from timbrel.units import hz_to_midi

RATE, HOP = 16000, 80


@pytest.fixture(scope="module")
def instrument() -> Harmonic:
    torch.manual_seed(1)
    return Harmonic(HarmonicSettings(size="tiny"))


@pytest.fixture(scope="module")
def calm() -> Harmonic:
    """Random weights of little say: neighbouring pitches sound alike, as with trained ones."""
    torch.manual_seed(1)
    instrument = Harmonic(HarmonicSettings(size="tiny"))
    instrument.network.decoder.sustain.out.weight.data *= 0.05
    return instrument


def with_residual(instrument: Harmonic, known_s: float, seed: int = 2) -> torch.Tensor:
    """A timbre that has some of everything."""
    generator = torch.Generator().manual_seed(seed)
    layout = instrument.layout
    parts = layout.parts(instrument.timbre_space.sample(1, generator=generator)[0])
    scales = {
        "partial": 2.0, "partial_released": 2.0, "noise": 2.0, "noise_released": 2.0,
        "wander": 8.0, "swell": 1.0, "burst": 10.0, "offset": 0.01,
    }  # fmt: skip
    drawn = {
        name: scale * torch.randn(getattr(parts, name).shape, generator=generator)
        for name, scale in scales.items()
    }
    drawn["burst"] += 60.0
    facts = {"pitch": torch.tensor(57.0), "known_s": torch.tensor(known_s)}
    return layout.timbre(parts._replace(**drawn, **facts))


def rendered(
    instrument: Harmonic, player: HarmonicPlayer, timbre: torch.Tensor, note: Notes, **controls
) -> Sounding:
    """The note as `render` has it, but for its take: that of the player's first note of a key."""
    knobs = Knobs(**resolve_controls(instrument.controls, controls))
    with torch.no_grad():
        outline = instrument._outlines(note, timbre[None], knobs)[0]
    take = player.takes[round(float(note.pitch[0])) % len(player.takes)]
    network = instrument.network
    return Sounding(outline, note, network.slots, network.bands, RATE, knobs, take)


def frames(player: HarmonicPlayer, count: int, up_at: int) -> list[tuple[np.ndarray, ...]]:
    """Frames 1 and on of the only note: f0, harmonics, noise; its key comes up at frame `up_at`."""
    one, rest, found = np.zeros(1, np.float32), np.zeros(HOP - 1, np.float32), []
    for frame in range(1, count):
        if frame - 1 == up_at:
            player.note_off(1)
        player.process(one)
        notes = player._notes
        found.append(tuple(c[0].copy() for c in (notes.f0_hz, notes.harmonic_db, notes.noise_db)))
        player.process(rest)
    return found


def uneven(instrument: Harmonic) -> torch.Tensor:
    """A timbre with edges in its spectrum and its attack, each steeper than any filter."""
    layout = instrument.layout
    parts = layout.parts(with_residual(instrument, 2.0))
    return layout.timbre(parts._replace(partial=12 * parts.partial, noise=8 * parts.noise))


@pytest.mark.parametrize(
    ("known_s", "pitch", "held_s", "controls"),
    [
        (1.0, 57.0, 1.0, {}),
        (1.0, 69.0, 4.5, {}),
        (2.5, 62.0, 4.5, {}),
        (2.0, 50.0, 2.0, {"vibrato_depth": 40.0, "tremolo": 6.0, "release": 2.0}),
        (2.0, 50.0, 1.0, {"brightness": 2.0, "noise": 3.0, "formant_shift": -1.0}),
        (2.0, 50.0, 1.0, {"attack": 4.0}),
        (2.0, 50.0, 1.0, {"attack": 0.25, "release": 0.5}),
    ],
)
def test_frames_are_those_of_a_rendered_note(instrument, known_s, pitch, held_s, controls) -> None:
    compare(instrument, with_residual(instrument, known_s), Notes.of(pitch, 0.9, held_s), controls)


@pytest.mark.parametrize(
    "controls",
    [
        {"formant_shift": 9.0}, {"formant_shift": -12.0, "noise": 6.0}, {"velocity_colour": 12.0},
        {"attack": 6.0, "brightness": 12.0}, {"vibrato_rate": 9.0, "vibrato_depth": 90.0},
    ],
)  # fmt: skip
def test_controls_do_to_a_played_note_what_they_do_to_a_rendered_one(instrument, controls) -> None:
    """Colour is changed of what sounds, and an attack is over when it is before that."""
    compare(instrument, uneven(instrument), Notes.of(64.0, 0.9, 0.6), controls)


def compare(instrument: Harmonic, timbre: torch.Tensor, note: Notes, controls: dict) -> None:
    player = instrument.player(4, RATE)
    player.set_timbre(timbre)
    for control, value in controls.items():
        player.set(control, value)
    pitch, velocity, held_s = (
        float(x[0]) for x in (note.pitch, note.velocity, note.duration_s)
    )  # fmt: skip
    # up to where what still sounds is faded
    count = round((held_s + 0.95 * controls.get("release", 1.0) - 0.05) * 200)
    wanted = rendered(instrument, player, timbre, note, **controls).tracks(0, count)
    player.note_on(1, pitch, velocity)
    for frame, (f0_hz, harmonic_db, noise_db) in enumerate(
        frames(player, count, round(held_s * 200)), 1
    ):
        assert f0_hz == pytest.approx(float(wanted.f0_hz[0, frame]), rel=1e-6)
        for ours, theirs in (
            (harmonic_db[: wanted.n_harmonics], wanted.harmonic_db[0, frame]),
            (noise_db, wanted.noise_db[0, frame]),
        ):
            # where one is just above silence the other may be just below
            np.testing.assert_allclose(ours.clip(-105), theirs.numpy().clip(-105), atol=2e-3)


def test_a_played_note_sounds_like_the_rendered_one(instrument) -> None:
    """The first samples alike; later on phases drift by what single precision makes of f0."""
    timbre, player = with_residual(instrument, 2.5), instrument.player(4, RATE)
    player.set_timbre(timbre)
    wanted = rendered(instrument, player, timbre, Notes.of(57.0, 0.7, 0.5), attack=1.0).audio()
    played = np.zeros(len(wanted), np.float32)
    player.note_on(1, 57.0, 0.7)
    player.process(played[:8000])
    player.note_off(1)
    player.process(played[8000:])
    loudest = float(wanted.abs().max())
    np.testing.assert_allclose(played[:1600], wanted[:1600], atol=1e-5 * loudest)
    np.testing.assert_allclose(played, wanted, atol=1e-3 * loudest)


@pytest.mark.parametrize("settings", [("tiny", 16000), ("base", 48000)])
def test_the_compiled_decoder_says_what_the_decoder_says(settings) -> None:
    torch.manual_seed(3)
    size, sample_rate = settings
    network = Harmonic(HarmonicSettings(size=size, sample_rate=sample_rate)).network
    decoder, n_bands = network.decoder, network.bands.n_bands
    for weight in decoder.parameters():
        weight.data += 0.02 * torch.randn_like(weight)
    layers, rows = decoder_layers(decoder), np.arange(ROWS) % 3
    room, bends = desk(layers), conditions(3, layers)
    latent, pitch = torch.randn(3, 64), torch.tensor([33.0, 60.3, 101.0])
    velocity = torch.tensor([0.1, 0.6, 1.0])
    moment_s, since_s = torch.linspace(0, 3.9, ROWS), torch.linspace(0.005, 0.95, ROWS)
    notes = latent.numpy(), pitch.double().numpy(), velocity.double().numpy()
    kernel(condition.py_func)(layers, room, *notes, np.arange(3), 3, bends)
    kernel(say.py_func)(layers, room, bends, rows, moment_s.double().numpy(), ROWS)
    kernel(say_fallen.py_func)(layers, room, bends, rows, since_s.double().numpy(), ROWS)
    with torch.no_grad():
        of = torch.from_numpy(rows)
        note = latent[of], pitch[of], velocity[of], moment_s[:, None]
        held = decoder(*note, torch.full((ROWS, 1), -1.0))
        fallen = [a - b for a, b in zip(held, decoder(*note, since_s[:, None]), strict=True)]
    n_slots, n_levels = network.slots.n_slots, network.slots.n_slots + n_bands
    noise = room[SAID, :, n_slots:n_levels]
    np.testing.assert_allclose(noise, held.noise_db[:, 0], atol=1e-3)
    both = torch.cat(fallen, -1)[:, 0]
    np.testing.assert_allclose(room[FALLEN, :, :n_levels], both, atol=1e-3)


def heard(player: HarmonicPlayer, length: int) -> np.ndarray:
    out = np.zeros(length, np.float32)
    player.process(out)
    return out


def roughness(audio: np.ndarray) -> float:
    """The loudest of what lies above 6 kHz, where these notes have nothing but clicks."""
    spectrum = np.fft.rfft(audio * np.hanning(len(audio)))
    spectrum[: round(6000 / RATE * len(audio))] = 0
    return float(np.abs(np.fft.irfft(spectrum)).max())


def dull(instrument: Harmonic, seed: int, level: float = 0.0) -> torch.Tensor:
    """A timbre of nothing but the lowest harmonics."""
    layout = instrument.layout
    parts = layout.parts(with_residual(instrument, 2.5, seed))
    partial = torch.full_like(parts.partial, -80.0)
    partial[:, :6] = level
    silent = {"wander": 0.0, "swell": 0.0, "burst": 0.0, "offset": 0.0}
    parts = parts._replace(
        partial=partial, noise=torch.full_like(parts.noise, -80.0),
        **{name: torch.zeros_like(getattr(parts, name)) for name in silent},
    )  # fmt: skip
    return layout.timbre(parts)


def test_a_note_goes_over_to_a_new_timbre_without_a_click(instrument) -> None:
    player, there = instrument.player(4, RATE), instrument.player(4, RATE)
    player.set_timbre(dull(instrument, 2))
    there.set_timbre(dull(instrument, 4, 12.0))
    for one in (player, there):
        one.note_on(1, 57.0, 0.7)
    still, steady = heard(player, 8000), heard(there, 8000)
    player.set_timbre(dull(instrument, 4, 12.0))
    moved, steady = heard(player, 8000), heard(there, 8000)
    assert np.abs(moved[1600:]).max() == pytest.approx(np.abs(steady[1600:]).max(), rel=0.2)
    assert roughness(np.concatenate([still, moved])) < 3e-4 * np.abs(moved).max()
    player_last, there_last = (one._notes.harmonic_db[0, :20] for one in (player, there))
    np.testing.assert_allclose(player_last, there_last, atol=0.02)


@pytest.mark.parametrize(
    ("control", "value"),
    [("brightness", 6.0), ("noise", -20.0), ("formant_shift", 7.0), ("tremolo", 12.0),
     ("vibrato_depth", 100.0)],
)  # fmt: skip
def test_controls_move_what_sounds_without_zipper(instrument, control: str, value: float) -> None:
    player = instrument.player(4, RATE)
    player.set_timbre(dull(instrument, 2))
    player.note_on(1, 57.0, 0.7)
    still = heard(player, 8000)
    player.set(control, value)
    before = player._notes.harmonic_db[0, :6].copy(), float(player._notes.f0_hz[0])
    moved = heard(player, 8000)
    after = player._notes.harmonic_db[0, :6], float(player._notes.f0_hz[0])
    changed = np.abs(after[0] - before[0]).max() + 1200 * abs(np.log2(after[1] / before[1]))
    assert changed > 0.3 or control == "noise"
    assert roughness(np.concatenate([still, moved])) < 1e-4 * np.abs(still).max()


def test_glide_begins_at_the_held_note(instrument) -> None:
    player = instrument.player(4, RATE)
    player.set_timbre(dull(instrument, 2))
    player.set("glide", 0.5)
    player.note_on(1, 50.0, 0.7)
    heard(player, 4000)
    player.note_on(2, 62.0, 0.7)
    pitches = []
    for length in (1, round(0.25 * RATE), round(0.5 * RATE)):
        heard(player, length)
        # of the latest voice, whose frames are pushed last
        pitches.append(hz_to_midi(float(player._notes.f0_hz[0])))
    assert pitches == pytest.approx([50.1, 56.1, 62.0], abs=0.15)


def pitches_and_levels(player: HarmonicPlayer, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Of the next frames: MIDI numbers, and levels of the lowest harmonics."""
    found = []
    for _ in range(count):
        heard(player, HOP)
        notes = player._notes
        found.append((hz_to_midi(float(notes.f0_hz[0])), notes.harmonic_db[0, :6].copy()))
    pitches, levels = zip(*found, strict=True)
    return np.array(pitches), np.array(levels)


def test_a_slurred_note_slides_there_and_sounds_as_after_its_attack(calm) -> None:
    slurred, struck = calm.player(4, RATE), calm.player(4, RATE)
    for player in (slurred, struck):
        player.set_timbre(dull(calm, 2))
        player.set("glide", 0.2)
    slurred.note_on(1, 57.0, 0.7)
    pitches_and_levels(slurred, 200)
    slurred.slur(1, 2, 62.0, 0.9)
    pitches, levels = pitches_and_levels(slurred, 200)
    assert pitches[0] == pytest.approx(57, abs=0.2)
    assert pitches[19:22] == pytest.approx(59.5, abs=0.4)
    assert pitches[42:] == pytest.approx(62, abs=0.1)
    assert np.abs(np.diff(pitches)).max() < 5 / 40 + 0.02
    struck.note_on(1, 62.0, 0.9)
    # the first call made two frames
    ahead = round(200 * float(slurred._notes.of[0]["ahead_s"])) + 200
    _, wanted = pitches_and_levels(struck, 240)
    takes_apart = slurred.takes[57].level_db - struck.takes[62].level_db
    begin = 10  # by then it has gone over
    np.testing.assert_allclose(
        levels[begin:] - takes_apart, wanted[begin + ahead : ahead + 200], atol=0.05
    )
    assert slurred.active_voices == 1
    slurred.note_off(2)
    heard(slurred, 2 * RATE)
    assert slurred.active_voices == 0


@pytest.mark.parametrize("glide_s", [0.0, 0.15])
def test_where_notes_are_slurred_nothing_clicks_and_nothing_dips(calm, glide_s) -> None:
    player = calm.player(4, RATE)
    player.set_timbre(dull(calm, 2))
    player.set("glide", glide_s)
    player.note_on(1, 57.0, 0.7)
    pieces = [heard(player, 8013)]
    for note, pitch in enumerate((62.0, 55.0, 67.0)):
        player.slur(note + 1, note + 2, pitch, 0.7)
        pieces.append(heard(player, 8013))
    audio = np.concatenate(pieces)
    level_db = 10 * np.log10(np.convolve(audio**2, np.ones(400) / 400, "valid"))
    for join in (8013, 16026, 24039):
        steady = min(level_db[join - 2000], level_db[join + 6000])
        assert level_db[join - 800 : join + 4000].min() > steady - 3
    assert roughness(audio) < 1e-3 * np.abs(audio).max()


def test_a_note_that_is_not_held_cannot_be_slurred_from(instrument) -> None:
    slurred, struck = instrument.player(2, RATE), instrument.player(2, RATE)
    slurred.slur(7, 1, 60.0, 0.7)
    struck.note_on(1, 60.0, 0.7)
    np.testing.assert_array_equal(heard(slurred, 4000), heard(struck, 4000))


def test_takes_of_one_key_differ_and_come_again(instrument) -> None:
    timbre, takes = dull(instrument, 2), []
    players = instrument.player(2, RATE), instrument.player(2, RATE)
    for player in players:
        player.set_timbre(timbre)
        sounds = []
        for number in range(3):
            player.note_on(number, 60.0, 0.7)
            sounds.append(heard(player, 2000))
            player.silence()
            heard(player, 2000)
        takes.append(sounds)
    np.testing.assert_array_equal(takes[0], takes[1])
    assert np.abs(takes[0][1] - takes[0][0]).max() > 0.1 * np.abs(takes[0][0]).max()


def test_at_another_rate_it_plays_the_same_sound(instrument) -> None:
    """At 48 kHz a 16 kHz model has the same spectrum up to 8 kHz, and nothing above."""
    spectra = []
    for rate in (RATE, 3 * RATE):
        player = instrument.player(4, rate)
        player.set_timbre(with_residual(instrument, 2.5))
        player.note_on(1, 45.0, 0.7)
        audio = heard(player, rate)
        spectra.append(np.abs(np.fft.rfft(audio * np.hanning(rate))) / rate)
    own, higher = spectra
    # none begins or ends on a partial
    bands = [slice(begin, begin + 550) for begin in range(55, 7500, 550)]
    for band in bands:
        assert 10 * np.log10((higher[band] ** 2).sum() / (own[band] ** 2).sum()) == pytest.approx(
            0, abs=1.0
        )
    assert (higher[8500:] ** 2).sum() < 1e-4 * (higher**2).sum()


def test_a_held_note_that_dies_away_frees_its_voice(instrument) -> None:
    layout = instrument.layout
    parts = layout.parts(dull(instrument, 2))
    falls = torch.linspace(0, -80, parts.partial.shape[0])[:, None]
    partial, noise = (parts.partial + falls * 3).clamp(-80), torch.full_like(parts.noise, -80.0)
    timbre = layout.timbre(parts._replace(partial=partial, noise=noise))
    player = instrument.player(2, RATE)
    player.set_timbre(timbre)
    player.note_on(1, 57.0, 0.7)
    heard(player, RATE)
    assert player.active_voices == 1
    heard(player, 20 * RATE)
    assert player.active_voices == 0


def test_whatever_is_played_nothing_is_left_to_compile(instrument) -> None:
    player, timbre = instrument.player(2, RATE), with_residual(instrument, 2.0)
    compiled = event.RecordingListener()
    out = np.zeros(RATE // 2, np.float32)
    with event.install_listener("numba:compile", compiled):
        player.set_timbre(timbre)
        for control in instrument.controls:
            player.set(control.name, control.maximum)
        player.note_on(1, 60.0, 0.9)
        player.process(out)
        player.slur(1, 2, 67.0, 0.5)
        player.set_timbre(0.5 * timbre)
        player.bend(1.5)
        for note_id in range(3, 8):
            player.note_on(note_id, 50.0 + note_id, 0.8, timbre if note_id % 2 else None)
            player.process(out)
        player.note_off(7)
        player.process(out)
        player.silence()
        player.process(out[:1])
    assert [begun.data["dispatcher"] for _, begun in compiled.buffer] == []


def test_a_note_that_died_away_gives_its_voice_up(instrument) -> None:
    """It fades on a voice still; a note that takes that voice is another one from then on."""
    player = instrument.player(2, RATE)
    block = np.zeros(8, np.float32)
    for note_id in (1, 2):
        player.note_on(note_id, 60, 0.8)
    player._tracks.end(1)  # as `advance` does with what nobody hears any more
    player.process(block)
    player.note_on(3, 60, 0.8)  # steals the voice of 1
    player.note_off(3)
    player.note_on(4, 60, 0.8)  # steals the released 3
    player.note_off(4)
    player.note_on(5, 60, 0.8)  # steals the released 4; the voice of 2 has faded furthest
    player.note_on(6, 60, 0.8)
    for note_id in (2, 5, 6):
        player.note_off(note_id)
    player.process(np.zeros(RATE, np.float32))
    assert player.active_voices <= 2
