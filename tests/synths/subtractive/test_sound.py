"""What is heard: pitch, aliases, level, tails, and every corner of the knobs."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from timbrel.errors import BadInput
from timbrel.sound import Notes
from timbrel.synths import load_synth
from timbrel.synths.subtractive import PARAMETERS, Subtractive
from timbrel.synths.subtractive.noise import noise_at
from timbrel.units import midi_to_hz

OPEN = {"cutoff_hz": 16000.0, "key_tracking": 1.0, "filter_type": 0, "resonance": 0.25,
        "amp_sustain": 1.0, "amp_velocity": 0.0, "filter_velocity_octaves": 0.0,
        "level_db": -12.0}  # fmt: skip
SIZE = 32768


def spectrum_db(synth: Subtractive, knobs: dict[str, float], pitch: float) -> np.ndarray:
    sound = synth.render(PARAMETERS.vector(OPEN | knobs), Notes.of(pitch, 0.8, 1.2)).audio[0]
    some = sound[8000 : 8000 + SIZE].double().numpy() * np.kaiser(SIZE, 16)
    return 20 * np.log10(np.abs(np.fft.rfft(some)) + 1e-9)


@pytest.mark.parametrize("pitch", [48, 72, 96, 108])
@pytest.mark.parametrize(
    ("knobs", "worst_db"),
    [
        ({"osc1_waveform": 0}, -78.0),
        ({"osc1_waveform": 1}, -78.0),
        ({"osc1_waveform": 3}, -95.0),
        ({"osc2_sync": 1, "osc_mix": 1.0, "osc2_octave": 1, "osc2_semitone": 6,
          "osc2_detune_cents": 23.0}, -70.0),
    ],
    ids=["saw", "square", "triangle", "sync"],
)  # fmt: skip
def test_aliases_below_8_khz(
    synth: Subtractive, pitch: int, knobs: dict[str, float], worst_db: float
) -> None:
    level_db = spectrum_db(synth, knobs, pitch)
    hz = np.arange(len(level_db)) * 44100 / SIZE
    f0_hz = midi_to_hz(float(pitch))
    away_hz = np.abs(hz / f0_hz - np.rint(hz / f0_hz)) * f0_hz
    is_alias = (away_hz > 16 * 44100 / SIZE) & (hz > 30) & (hz < 8000)
    assert level_db[is_alias].max() - level_db.max() < worst_db


@pytest.mark.parametrize("sample_rate", [16000, 44100, 48000])
@pytest.mark.parametrize("pitch", [33.0, 57.5, 76.0])
def test_pitch(sample_rate: int, pitch: float) -> None:
    synth = Subtractive(sample_rate)
    patch = PARAMETERS.vector(OPEN | {"osc1_waveform": 4})
    sound = synth.render(patch, Notes.of(pitch, 0.8, 1.5)).audio[0]
    level = np.abs(np.fft.rfft(sound[:sample_rate].numpy() * np.hanning(sample_rate), 1 << 20))
    hz = float(level.argmax()) * sample_rate / (1 << 20)
    assert abs(1200 * math.log2(hz / midi_to_hz(pitch))) < 3


def test_a_saw_is_a_saw(synth: Subtractive) -> None:
    """Its harmonics fall as 1 / n."""
    level_db = spectrum_db(synth, {"osc1_waveform": 0, "key_tracking": 0.0}, 45.0)
    places = [round(110.0 * n * SIZE / 44100) for n in (1, 2, 5, 10, 40)]
    peaks = np.array([level_db[place - 3 : place + 4].max() for place in places])
    wanted = -20 * np.log10([1, 2, 5, 10, 40])
    np.testing.assert_allclose(peaks - peaks[0], wanted, atol=0.5)


def test_a_random_lfo_draws_for_its_first_turn_too(synth: Subtractive) -> None:
    """0 would leave the amplitude half way down."""
    patch = OPEN | {"osc1_waveform": 4, "lfo_shape": 4, "lfo_rate_hz": 1.0, "lfo_amp": 1.0}
    sound = synth.render(PARAMETERS.vector(patch), Notes.of(60.0, 0.8, 2.0)).audio[0]
    steady = synth.render(PARAMETERS.vector(patch | {"lfo_amp": 0.0}), Notes.of(60.0, 0.8, 2.0))
    turns = (slice(8000, 36000), slice(52000, 80000))
    shares = [float(sound[t].std() / steady.audio[0, t].std()) for t in turns]
    numbers = [0.5 + 0.5 * float(noise_at(torch.tensor(number))) for number in (1, 2)]
    assert shares == pytest.approx(numbers, abs=0.02)


def test_louder_brighter_and_bent(synth: Subtractive) -> None:
    patch = PARAMETERS.vector({"osc1_waveform": 4, "amp_sustain": 1.0})
    soft, loud = synth.render(patch, Notes.of(60.0, [0.3, 1.0], 0.5)).audio.pow(2).mean(1).tolist()
    assert 10 * math.log10(loud / soft) > 5
    straight = Notes.of(57.0, 0.8, 0.6)
    bent = Notes(straight.pitch, straight.velocity, straight.duration_s, torch.full((1, 1), 12.0))
    torch.testing.assert_close(
        synth.render(patch, bent).audio[0, 1000:20000].abs().amax(),
        synth.render(patch, straight).audio[0, 1000:20000].abs().amax(), atol=0.05, rtol=0,
    )  # fmt: skip
    spectrum = synth.render(patch, bent).audio[0, 2048 : 2048 + 16384]
    assert int(torch.fft.rfft(spectrum).abs().argmax()) == round(440 * 16384 / 44100)


def test_every_corner_is_finite_bounded_and_without_dc(synth: Subtractive) -> None:
    generator = torch.Generator().manual_seed(5)
    corners = torch.rand(192, len(PARAMETERS), generator=generator).round()
    choices = torch.tensor([max(1, len(c.choices) - 1) for c in PARAMETERS])
    corners = torch.where(PARAMETERS.is_switch, (corners * choices).round(), corners)
    # lower ones, two octaves down and swept, are too slow to tell from DC
    pitch = 48 + 79 * torch.rand(192, generator=generator)
    notes = Notes(pitch, torch.rand(192, generator=generator).round(), torch.full((192,), 0.3))
    audio = synth.render(corners, notes, longest_s=0.5).audio
    assert bool(audio.isfinite().all())
    assert float(audio.abs().max()) < 1.0
    assert float(audio.mean(1).abs().max()) < 0.02


def test_random_patches_mostly_sound(synth: Subtractive) -> None:
    patches = PARAMETERS.space.sample(128, generator=torch.Generator().manual_seed(6))
    audio = synth.render(patches, Notes.of([54.0] * 128, 0.8, 1.0), longest_s=1.2).audio
    peak = audio.abs().amax(1)
    assert float((peak > 1e-3).float().mean()) > 0.95


def test_notes_begin_and_end_without_clicks(synth: Subtractive) -> None:
    knobs = {"osc1_waveform": 4, "amp_attack_s": 0.001, "amp_release_s": 0.005, "amp_sustain": 1.0}
    rendered = synth.render(PARAMETERS.vector(OPEN | knobs), Notes.of(45.0, 1.0, 0.2))
    sound = rendered.audio[0]
    assert float(sound[0].abs()) < 1e-6
    assert float(sound[-1].abs()) < 1e-6
    assert float(sound.diff(n=2).abs().max()) < 0.01
    assert abs(int(rendered.lengths[0]) - 44100 * 0.205) < 100


def test_the_room_is_heard_to_its_end(synth: Subtractive) -> None:
    knobs = {"amp_sustain": 1.0, "reverb_mix": 0.5, "reverb_decay_s": 1.0, "amp_release_s": 0.01,
             "reverb_damping_hz": 16000.0}  # fmt: skip
    sound = synth.render(PARAMETERS.vector(knobs), Notes.of(60.0, 1.0, 0.3)).audio[0]
    assert len(sound) / 44100 == pytest.approx(1.31, abs=0.01)
    early, late = sound[17000:22000].pow(2).mean(), sound[34000:39000].pow(2).mean()
    fall_db = 10 * math.log10(float(early / late)) / (17000 / 44100)
    assert 40 < fall_db < 80
    assert float(sound[-8:].abs().max()) < 1e-6


def test_found_by_name_and_wrong_input_is_said() -> None:
    synth = load_synth("subtractive")
    assert synth.streams
    assert len(synth.parameters) == 46
    with pytest.raises(BadInput, match=r"wanted \[46\]"):
        synth.render(torch.zeros(3), Notes.of(60.0))
    with pytest.raises(BadInput, match="NaN"):
        synth.render(torch.full((46,), math.nan), Notes.of(60.0))
    for longest_s in (0.0, -1.0, math.nan):
        with pytest.raises(BadInput, match="wanted seconds above 0"):
            synth.render(PARAMETERS.defaults, Notes.of(60.0), longest_s=longest_s)
    with pytest.raises(BadInput):
        Subtractive(0)


def test_its_volume_sets_how_loud_it_is_and_nothing_else() -> None:
    synth = load_synth("subtractive")
    assert synth.volume == "level_db"
    notes = Notes.of(57.0, 0.8, 0.5)
    loud, soft = (
        synth.render(synth.parameters.vector({"level_db": db}), notes).audio[0] for db in (-12, -24)
    )
    torch.testing.assert_close(soft, loud * 10 ** (-12 / 20), atol=1e-4, rtol=0)
