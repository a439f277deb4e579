"""What every family promises when it is played live, along the real-time axes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch

from timbrel.errors import BadInput
from timbrel.instruments import FAMILIES, Instrument
from timbrel.instruments.ddsp import Ddsp, DdspSettings
from timbrel.instruments.harmonic import Harmonic, HarmonicSettings
from timbrel.instruments.mel_vae import MelVAE, MelVAESettings
from timbrel.instruments.prepared import PreparedPlayer
from timbrel.instruments.preset import Preset, PresetSettings
from timbrel.instruments.shifted import Shifted
from timbrel.instruments.sine import Sine
from timbrel.sound import Notes
from timbrel.sound.playing import QUIET_AFTER_S, Player


class Patient(PreparedPlayer):
    """The default player, waiting for each note to be rendered: so that it repeats itself."""

    def __init__(self, instrument: Instrument, n_voices: int, sample_rate: int) -> None:
        super().__init__(instrument, n_voices, sample_rate, background=False)


def patient(instrument: Instrument) -> Instrument:
    """An instrument without a player of its own, whose default one waits."""
    assert type(instrument).player is Instrument.player
    instrument.player = partial(Patient, instrument)  # pyright: ignore[reportAttributeAccessIssue]
    return instrument


def tonal() -> Instrument:
    """A `harmonic` of random weights, but for a loud fundamental and a say for the velocity."""
    instrument = Harmonic(HarmonicSettings(size="tiny"))
    decoder = instrument.network.decoder
    first, second = decoder.condition[0], decoder.condition[2]
    assert isinstance(first, torch.nn.Linear)
    assert isinstance(second, torch.nn.Linear)
    with torch.no_grad():
        decoder.sustain.out.bias.sub_(2.0)
        decoder.sustain.out.bias[0] += 4.0
        for layer in (first, second):
            layer.weight[0] = 0.0
        first.weight[0, -1] = second.weight[0, 0] = 2.0
        decoder.sustain.bend.weight[len(decoder.sustain.moment.bias), 0] = 3.0
        decoder.sustain.out.weight[:, 0] = 0.15
    return instrument


def following() -> Instrument:
    """A `ddsp` of random weights, but for a loud fundamental and not much of a room."""
    instrument = Ddsp(DdspSettings(size="tiny", sample_rate=16000, reverb_s=0.2))
    with torch.no_grad():
        instrument.network.decoder.say.bias.sub_(2.0)
        instrument.network.decoder.say.bias[0] += 5.0
    return instrument


PLAYABLE: dict[str, Callable[[], Instrument]] = {
    "ddsp": following,
    "sine": Sine,
    "shifted": lambda: patient(Shifted(inner=Sine())),
    "harmonic": tonal,
    "preset": lambda: Preset(PresetSettings(size="tiny", latent=8)),
    "mel_vae": lambda: patient(MelVAE(MelVAESettings(size="tiny"))),
}

BLOCKS = (1, 64, 65, 512, 513, None)
"""None: blocks of random sizes."""


@pytest.fixture(scope="module", params=PLAYABLE)
def instrument(request: pytest.FixtureRequest) -> Instrument:
    torch.manual_seed(3)
    return PLAYABLE[request.param]()


@pytest.fixture
def timbres(instrument: Instrument) -> torch.Tensor:
    if isinstance(instrument, Preset):
        # a saw's own steps would hide those of a click
        patches = {"osc1_waveform": 4, "cutoff_hz": 2000.0}, {"osc1_waveform": 1, "cutoff_hz": 900}
        return torch.stack([instrument.synth.parameters.vector(patch) for patch in patches])
    return instrument.timbre_space.sample(2, generator=torch.Generator().manual_seed(5))


@pytest.fixture
def started(instrument: Instrument, timbres: torch.Tensor) -> Callable[..., Player]:
    """A player with a timbre."""

    def make(n_voices: int = 8, sample_rate: int | None = None) -> Player:
        player = instrument.player(n_voices, sample_rate or instrument.sample_rate)
        player.set_timbre(timbres[0])
        return player

    return make


def test_every_playable_family_is_under_contract() -> None:
    assert set(FAMILIES) <= set(PLAYABLE)


def heard(player: Player, length: int, block: int | None = 256) -> np.ndarray:
    """The next samples, in blocks; what the blocks held before must not matter."""
    sizes = np.random.default_rng(1)
    audio = np.full(length, np.nan, np.float32)
    begin = 0
    while begin < length:
        end = begin + (block or int(sizes.integers(1, 700)))
        player.process(audio[begin:end])
        begin = end
    assert np.isfinite(audio).all()
    return audio


def a_phrase(player: Player, other: torch.Tensor, block: int | None) -> np.ndarray:
    """Everything that can be asked of a player, at the same samples for any size of blocks."""
    player.note_on(1, 60.0, 0.8)
    parts = [heard(player, 900, block)]
    player.note_on(2, 67.0, 0.5, other)
    parts.append(heard(player, 1300, block))
    player.bend(0.7)
    parts.append(heard(player, 700, block))
    player.set_timbre(other)
    parts.append(heard(player, 1100, block))
    player.slur(1, 3, 63.0, 0.6)
    parts.append(heard(player, 1000, block))
    player.note_off(3)
    parts.append(heard(player, 2000, block))
    player.silence()
    parts.append(heard(player, 1000, block))
    return np.concatenate(parts)


@pytest.mark.parametrize("block", BLOCKS)
def test_blocks_of_any_size_give_the_same_sound(started, timbres, block: int | None) -> None:
    whole = a_phrase(started(), timbres[1], 4000)
    np.testing.assert_allclose(a_phrase(started(), timbres[1], block), whole, atol=1e-5, rtol=0)


@pytest.mark.parametrize("rate_ratio", [1, 3])
def test_two_notes_at_once_are_their_sum(started, instrument, rate_ratio: int) -> None:
    together = started(sample_rate=instrument.sample_rate * rate_ratio)
    together.note_on(1, 60.0, 0.8)
    together.note_on(2, 67.0, 0.4)
    alone = []
    for pitch, velocity in ((60.0, 0.8), (67.0, 0.4)):
        player = started(sample_rate=instrument.sample_rate * rate_ratio)
        player.note_on(1, pitch, velocity)
        alone.append(heard(player, 6000))
    np.testing.assert_allclose(heard(together, 6000), sum(alone), atol=1e-5)


def test_an_untouched_player_is_silent(instrument) -> None:
    player = instrument.player(4, 44100)
    assert player.sample_rate == 44100
    assert (player.n_voices, player.active_voices) == (4, 0)
    assert not heard(player, 1000).any()
    player.note_off(60)
    player.silence()
    assert not heard(player, 1000).any()


def test_a_note_sounds_before_any_timbre_was_set(instrument) -> None:
    player = instrument.player(4, instrument.sample_rate)
    player.note_on(1, 60.0, 0.8)
    assert np.abs(heard(player, instrument.sample_rate // 2)).max() > 1e-4


def test_a_released_note_dies_away_and_gives_its_voice_back(started, instrument) -> None:
    player = started(2)
    player.note_on(1, 60.0, 0.8)
    held = heard(player, instrument.sample_rate)
    assert player.active_voices == 1
    player.note_off(1)
    after = heard(player, 4 * instrument.sample_rate)
    assert np.abs(after[-1000:]).max() < 1e-3 * np.abs(held).max()
    assert player.active_voices == 0


def test_a_note_of_the_same_id_releases_the_one_before(started, instrument) -> None:
    player = started()
    for _ in range(3):
        player.note_on(60, 60.0, 0.8)
        heard(player, 300)
    heard(player, 4 * instrument.sample_rate)
    assert player.active_voices == 1
    player.note_off(60)
    heard(player, 4 * instrument.sample_rate)
    assert player.active_voices == 0


def largest_step(player: Player, n_notes: int) -> float:
    """Of notes that come one after another and are all held."""
    audio = []
    for note in range(n_notes):
        player.note_on(note, 50.0 + 1.5 * note, 0.8)
        audio.append(heard(player, 1111))
    return float(np.abs(np.diff(np.concatenate(audio))).max())


def test_stolen_voices_do_not_click(started) -> None:
    """The largest step is no larger than where every note has a voice of its own."""
    enough, few = started(12), started(3)
    assert largest_step(few, 12) <= largest_step(enough, 12)
    assert (enough.active_voices, few.active_voices) == (12, 3)


def test_silence_silences(started, instrument) -> None:
    player = started()
    for note in range(5):
        player.note_on(note, 50.0 + 7 * note, 0.9)
    before = heard(player, instrument.sample_rate // 4)
    player.silence()
    after = heard(player, instrument.sample_rate)
    assert np.abs(np.diff(np.append(before[-1:], after))).max() <= np.abs(np.diff(before)).max()
    assert not after[round(QUIET_AFTER_S * instrument.sample_rate) + 1 :].any()
    assert player.active_voices == 0
    player.note_on(9, 60.0, 0.8)
    assert np.abs(heard(player, instrument.sample_rate // 4)).max() > 1e-4


def test_louder_keys_are_louder(started, instrument) -> None:
    if not instrument.can("velocity"):
        pytest.skip("says nothing of velocity")
    loudness = []
    for velocity in (0.25, 0.5, 0.95):
        player = started()
        player.note_on(1, 60.0, velocity)
        loudness.append(np.square(heard(player, instrument.sample_rate // 2)).mean())
    assert loudness == sorted(loudness)
    assert loudness[2] > 2 * loudness[0]


def test_a_bend_reaches_what_sounds_and_what_comes(started, instrument) -> None:
    if not instrument.can("bend"):
        pytest.skip("follows no bends")
    bent, higher = started(), started()
    bent.bend(3.0)
    bent.note_on(1, 60.0, 0.8)
    higher.note_on(1, 63.0, 0.8)
    assert turns(heard(bent, 16000)) == pytest.approx(turns(heard(higher, 16000)), rel=0.02)
    bent.bend(0.0)
    back, plain = started(), started()
    back.bend(3.0)
    back.note_on(1, 60.0, 0.8)
    heard(back, 2000)
    back.bend(0.0)
    heard(back, 2000)
    plain.note_on(1, 60.0, 0.8)
    heard(plain, 4000)
    assert turns(heard(back, 16000)) == pytest.approx(turns(heard(plain, 16000)), rel=0.02)


def turns(audio: np.ndarray) -> float:
    """Where the strongest peak of the spectrum lies."""
    return float(np.abs(np.fft.rfft(audio * np.hanning(len(audio)), 1 << 18)).argmax())


def test_a_note_keeps_the_timbre_that_is_its_own(started, timbres) -> None:
    kept, plain = started(), started()
    for player in (kept, plain):
        player.note_on(1, 60.0, 0.8, timbres[0])
        heard(player, 500)
    kept.set_timbre(timbres[1])
    np.testing.assert_array_equal(heard(kept, 4000), heard(plain, 4000))


def test_a_new_timbre_is_that_of_the_next_note(started, timbres) -> None:
    told, given = started(), started()
    told.set_timbre(timbres[1])
    told.note_on(1, 60.0, 0.8)
    given.note_on(1, 60.0, 0.8, timbres[1])
    np.testing.assert_allclose(heard(told, 4000), heard(given, 4000), atol=1e-6)


def test_a_far_out_timbre_sounds_as_the_nearest_legal_one(started, instrument, timbres) -> None:
    far = 999 * timbres[1].double().sign()
    told, given = started(), started()
    told.set_timbre(far)
    told.note_on(1, 60.0, 0.8)
    given.note_on(1, 60.0, 0.8, instrument.timbre_space.project(far.float()))
    sound = heard(told, 4000)
    assert np.isfinite(sound).all()
    np.testing.assert_allclose(sound, heard(given, 4000), rtol=1e-6, atol=1e-6)


def test_what_cannot_be_played_is_refused_and_leaves_the_player_whole(started, timbres) -> None:
    player, untouched = started(), started()
    with pytest.raises(BadInput, match="pitch is nan, wanted 0 to 127"):
        player.note_on(1, float("nan"), 0.8)
    with pytest.raises(BadInput, match="velocity is inf, wanted 0 to 1"):
        player.note_on(1, 60.0, float("inf"))
    with pytest.raises(BadInput, match="timbre has shape"):
        player.note_on(1, 60.0, 0.8, torch.zeros(timbres.shape[1] + 1))
    with pytest.raises(BadInput, match="timbre has shape"):
        player.set_timbre(timbres)
    with pytest.raises(BadInput, match="bend is nan"):
        player.bend(float("nan"))
    with pytest.raises(BadInput, match="no control 'wobble'"):
        player.set("wobble", 1.0)
    for one in (player, untouched):
        one.note_on(1, 200.0, 7.0)
    np.testing.assert_array_equal(heard(player, 2000), heard(untouched, 2000))


def test_no_voices_and_no_samples_are_refused(instrument) -> None:
    with pytest.raises(BadInput, match="0 voices, wanted 1 to 256"):
        instrument.player(0, 48000)
    with pytest.raises(BadInput, match="a sample rate of 0 Hz is outside"):
        instrument.player(8, 0)


def test_a_played_note_is_the_rendered_one() -> None:
    """`sine` to the sample, released during its sustain and during its attack."""
    instrument, timbre = Sine(), torch.tensor([1.0, 0.5, 0.25, 0.7])
    for pitch, held in ((57.25, 5000), (71.5, 40), (95.0, 3000)):
        rendered = instrument.render(Notes.of(pitch, 0.6, held / 16000), timbre).audio[0].numpy()
        player = instrument.player(3, 16000)
        player.set_timbre(timbre)
        player.note_on(7, pitch, 0.6)
        pressed = heard(player, held, 65)
        player.note_off(7)
        released = heard(player, len(rendered) - held, 65)
        played = np.concatenate([pressed, released])
        np.testing.assert_allclose(played, rendered, atol=1e-5, rtol=0)
        assert player.active_voices == 0
