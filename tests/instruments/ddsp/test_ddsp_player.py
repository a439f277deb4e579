"""The player plays the melodies that `render` follows, and goes on with what comes meanwhile."""

import numpy as np
import pytest
import torch
from numba.core import event

from timbrel.instruments.ddsp import Ddsp
from timbrel.instruments.ddsp.player import DdspPlayer
from timbrel.instruments.ddsp.timbre_layout import Manner
from timbrel.sound import Notes

from .conftest import instrument_of

RATE, HOP = 16000, 80


def timbre_of(instrument: Ddsp, fall_db_s: float = 0.0, seed: int = 1) -> torch.Tensor:
    latent = torch.randn(4, generator=torch.Generator().manual_seed(seed))
    numbers = (40.0, 80.0, -50.0, -30.0, 0.05, fall_db_s, 0.12)
    return instrument.layout.timbre(latent, Manner(*map(torch.tensor, numbers)))


@pytest.fixture(scope="module")
def instrument() -> Ddsp:
    return instrument_of()


@pytest.fixture(scope="module")
def dry() -> Ddsp:
    return instrument_of(reverb_s=0.0)


def started(instrument: Ddsp, **turned: float) -> DdspPlayer:
    player = instrument.player(4, RATE)
    player.set_timbre(timbre_of(instrument))
    for control, value in turned.items():
        player.set(control, value)
    return player


def heard(player: DdspPlayer, length: int, block: int = 256) -> np.ndarray:
    audio = np.zeros(length, np.float32)
    for begin in range(0, length, block):
        player.process(audio[begin : begin + block])
    return audio


@pytest.mark.parametrize("decoder", ["gru", "transformer"])
@pytest.mark.parametrize(
    ("held_s", "fall_db_s", "controls"),
    [
        (0.8, 0.0, {}),
        (0.6, 30.0, {"vibrato_depth": 80.0, "vibrato_rate": 7.0, "attack": 2.0}),
        (0.02, 10.0, {"release": 3.0, "harmonic_gain": -3.0, "noise_gain": 2.0}),
        (0.5, 0.0, {"reverb_gain": 6.0, "attack": 0.5}),
    ],
)
def test_a_played_note_is_the_rendered_one(decoder, held_s, fall_db_s, controls) -> None:
    instrument = instrument_of(decoder=decoder)
    timbre = timbre_of(instrument, fall_db_s)
    # keys 0 and 64 begin where the noise does, as `render` without a generator
    rendered = instrument.render(Notes.of(64.0, 0.6, held_s), timbre, controls)
    whole = rendered.audio[0, : int(rendered.lengths[0])].numpy()
    player = started(instrument, **controls)
    player.note_on(5, 64.0, 0.6, timbre)
    pressed = heard(player, round(held_s * RATE), 65)
    player.note_off(5)
    played = np.append(pressed, heard(player, len(whole) - len(pressed), 65))
    assert np.abs(whole).max() > 0.01
    assert np.abs(played - whole).max() < 2e-3 * np.abs(whole).max()
    assert player.active_voices == 0


def test_many_notes_are_answered_as_each_alone(dry) -> None:
    """All in one block, on more rows than the compiled decoder takes at once."""
    together = dry.player(40, RATE)
    together.set_timbre(timbre_of(dry))
    total = np.zeros(2000, np.float64)
    for note in range(40):
        together.note_on(note, 40.0 + note, 0.5)
        alone = started(dry)
        alone.note_on(note, 40.0 + note, 0.5)
        total += heard(alone, 2000)
    np.testing.assert_allclose(heard(together, 2000), total, atol=1e-5)


def pitch_hz(sound: np.ndarray) -> float:
    """Of the partial nearest to what is expected: the strongest one below 1 kHz."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 1 << 16))
    return float(spectrum[: (1 << 16) * 1000 // RATE].argmax()) * RATE / (1 << 16)


def test_a_slur_slides_there_without_an_attack(dry) -> None:
    player = started(dry, vibrato_depth=0.0, noise_gain=-40.0)
    player.note_on(1, 57.0, 0.7)
    before = heard(player, 8000)
    player.slur(1, 2, 64.0, 0.7)
    moving = heard(player, round(0.06 * RATE))
    after = heard(player, 8000)
    assert player.active_voices == 1
    ratio = pitch_hz(after[2000:]) / 329.63
    assert abs(ratio - round(ratio)) < 0.01 * ratio
    levels = [np.std(part) for part in (before[-1600:], moving[-640:], after[:1600])]
    assert max(levels) < 3 * min(levels)
    steps = np.abs(np.diff(np.concatenate([before[-800:], moving])))
    assert steps[790:].max() < 1.5 * max(steps[:790].max(), np.abs(np.diff(after)).max())
    player.note_off(1)
    heard(player, 16000)
    assert player.active_voices == 1
    player.note_off(2)
    heard(player, 16000)
    assert player.active_voices == 0


def test_a_slur_keeps_what_the_decoder_remembers(dry) -> None:
    """Back on the first pitch it sounds as if it had never left it, which a new note does not."""
    stayed, slurred, struck = (started(dry, noise_gain=-40.0, attack=0.25) for _ in range(3))
    for player in (stayed, slurred, struck):
        player.note_on(1, 64.0, 0.7)
        heard(player, 4 * HOP)
    slurred.slur(1, 2, 64.0, 0.7)
    struck.note_off(1)
    struck.note_on(2, 64.0, 0.7)
    after = [heard(player, 5 * HOP) for player in (stayed, slurred, struck)]
    away = [float(np.abs(sound - after[0]).max()) for sound in after]
    assert away[1] < 0.2 * away[2]


def test_a_plucked_note_gives_its_voice_back_by_itself(dry) -> None:
    player = started(dry)
    player.note_on(1, 60.0, 0.8, timbre_of(dry, fall_db_s=100.0))
    heard(player, RATE // 2)
    assert player.active_voices == 1
    heard(player, RATE)
    assert player.active_voices == 0


def test_a_note_goes_over_to_a_new_timbre_without_a_click(dry) -> None:
    player = started(dry)
    player.note_on(1, 60.0, 0.8)
    before = heard(player, 8000)
    player.set_timbre(timbre_of(dry, fall_db_s=20.0, seed=9))
    after = heard(player, 8000)
    steps = np.abs(np.diff(np.append(before[4000:], after)))
    assert steps[3990:4200].max() < 1.5 * max(steps[:3990].max(), steps[4200:].max())
    assert np.std(before[-2000:] - after[-2000:]) > 0.1 * np.std(before[-2000:])


def test_takes_of_one_key_differ_in_their_noise(dry) -> None:
    player = started(dry, harmonic_gain=-40.0)
    takes = []
    for _ in range(2):
        player.note_on(1, 64.0, 0.8)
        takes.append(heard(player, 3000))
        player.silence()
        heard(player, 500)
    assert abs(np.corrcoef(takes)[0, 1]) < 0.3


def test_silence_silences_the_room_too(instrument) -> None:
    player = started(instrument)
    player.note_on(1, 60.0, 0.9)
    before = heard(player, 4000)
    player.silence()
    fading, after = heard(player, 160), heard(player, 4000)
    assert np.abs(np.diff(np.append(before[-1:], fading))).max() <= np.abs(np.diff(before)).max()
    assert not after.any()
    player.note_on(2, 60.0, 0.9)
    again = heard(player, 4000)
    player.note_off(2)
    heard(player, 3000)
    assert heard(player, 500).any()
    assert 0.5 < np.std(again) / np.std(before) < 2


def test_whatever_is_played_nothing_is_left_to_compile(instrument) -> None:
    player, timbre = instrument.player(2, RATE), timbre_of(instrument)
    follower = instrument.follower(timbre, RATE)
    compiled, out = event.RecordingListener(), np.zeros(RATE // 2, np.float32)
    with event.install_listener("numba:compile", compiled):
        for control in instrument.controls:
            player.set(control.name, control.maximum)
            follower.set(control.name, control.maximum)
        player.note_on(1, 60.0, 0.9)
        player.process(out)
        player.slur(1, 2, 67.0, 0.5)
        player.set_timbre(timbre)
        player.bend(1.5)
        for note_id in range(3, 8):
            player.note_on(note_id, 50.0 + note_id, 0.8, timbre if note_id % 2 else None)
            follower.hear(200.0, -20.0, note_id % 2)
            for one in (player, follower):
                one.process(out)
        player.note_off(7)
        player.silence()
        for control in instrument.controls:
            player.set(control.name, control.default)
            follower.set(control.name, control.default)
        for one in (player, follower):
            one.process(out[:1])
    assert [begun.data["dispatcher"] for _, begun in compiled.buffer] == []
