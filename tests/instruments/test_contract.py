"""What every family promises: one suite over all of them, each held to what it says it can."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from timbrel.errors import BadInput, Unsupported
from timbrel.instruments import FAMILIES, Instrument, load
from timbrel.instruments.ddsp import Ddsp, DdspSettings
from timbrel.instruments.harmonic import Harmonic, HarmonicSettings
from timbrel.instruments.mel_vae import MelVAE, MelVAESettings
from timbrel.instruments.preset import Preset, PresetSettings
from timbrel.instruments.shifted import Shifted
from timbrel.instruments.sine import Sine
from timbrel.sound import Notes, Performance
from timbrel.timbre import Bank


def untouched() -> Instrument:
    """A `preset` with a patch of untouched knobs: random ones may sound for many seconds."""
    instrument = Preset(PresetSettings(size="tiny", latent=8))
    instrument.bank = Bank(instrument.fingerprint)
    instrument.bank.add("init", instrument.synth.parameters.defaults)
    return instrument


MAKERS: dict[str, Callable[[], Instrument]] = {
    "sine": Sine,
    "shifted": lambda: Shifted(inner=Sine()),
    "harmonic": lambda: Harmonic(HarmonicSettings(size="tiny")),
    "ddsp": lambda: Ddsp(DdspSettings(size="tiny", latent=4)),
    "ddsp of one instrument": lambda: Ddsp(DdspSettings(size="tiny", latent=0, reverb_s=0)),
    "mel_vae": lambda: MelVAE(MelVAESettings(size="tiny")),
    "preset": untouched,
    "mel_vae as shipped": lambda: load("mel_vae"),
    "harmonic as shipped": lambda: load("harmonic"),
    "harmonic-16k as shipped": lambda: load("harmonic-16k"),
}
NOTES = Notes.of([48.0, 60.0, 71.5], velocity=[0.9, 0.5, 0.7], duration_s=[0.3, 0.8, 0.1])


@pytest.fixture(scope="module", params=MAKERS)
def instrument(request: pytest.FixtureRequest) -> Instrument:
    torch.manual_seed(3)
    return MAKERS[request.param]()


@pytest.fixture
def timbre(instrument: Instrument) -> torch.Tensor:
    if isinstance(instrument, Preset):
        return named_or_sampled(instrument)
    return instrument.timbre_space.sample(1, generator=torch.Generator().manual_seed(5))[0]


def test_every_family_is_under_contract() -> None:
    assert {MAKERS[name]().family for name in MAKERS} == set(FAMILIES)


def test_rendered_audio_is_finite_and_silent_after_its_length(instrument, timbre) -> None:
    rendered = instrument.render(NOTES, timbre)
    assert rendered.audio.shape == (3, int(rendered.lengths.max()))
    assert rendered.sample_rate == instrument.sample_rate
    assert bool(rendered.audio.isfinite().all())
    for row, length in zip(rendered.audio, rendered.lengths.tolist(), strict=True):
        assert float(row[length:].abs().sum()) == 0


def test_notes_sound_at_least_while_held_and_at_most_a_while_after(instrument, timbre) -> None:
    rendered = instrument.render(NOTES, timbre)
    seconds = rendered.lengths / rendered.sample_rate
    assert bool((seconds <= NOTES.duration_s + 1.1).all())
    assert bool((seconds > 0.02).all())


def test_rendering_repeats_to_the_bit(instrument, timbre) -> None:
    first = instrument.render(NOTES, timbre, generator=torch.Generator().manual_seed(1))
    again = instrument.render(NOTES, timbre, generator=torch.Generator().manual_seed(1))
    assert torch.equal(first.audio, again.audio)


def test_a_batch_of_notes_equals_its_notes_alone(instrument, timbre) -> None:
    together = list(instrument.render(NOTES, timbre))
    for i, sound in enumerate(together):
        (alone,) = instrument.render(NOTES[i : i + 1], timbre)
        assert alone.shape == sound.shape
        torch.testing.assert_close(alone, sound, atol=2e-5, rtol=0)


def test_one_timbre_a_note_equals_one_for_all(instrument, timbre) -> None:
    one = instrument.render(NOTES, timbre)
    each = instrument.render(NOTES, timbre.expand(3, -1))
    torch.testing.assert_close(each.audio, one.audio, atol=1e-6, rtol=0)


def test_long_notes_go_on(instrument, timbre) -> None:
    (sound,) = instrument.render(Notes.of(60, duration_s=7.0), timbre)
    assert len(sound) <= 8.2 * instrument.sample_rate
    assert bool(sound.isfinite().all())


def test_a_timbre_that_does_not_fit_is_refused(instrument) -> None:
    with pytest.raises(BadInput, match="timbre has shape"):
        instrument.render(NOTES, torch.zeros(instrument.timbre_space.size + 1))
    with pytest.raises(BadInput, match="NaN"):
        instrument.render(NOTES, torch.full((instrument.timbre_space.size,), float("nan")))


def test_a_far_out_timbre_sounds_as_the_nearest_legal_one(instrument, timbre) -> None:
    space, note = instrument.timbre_space, Notes.of(60.0, duration_s=0.2)
    for far in (torch.full_like(timbre, 999.0), -999 * timbre.sign(), 500 * timbre.double().sign()):
        sound = instrument.render(note, far).audio
        assert bool(sound.isfinite().all())
        assert torch.equal(sound, instrument.render(note, space.project(far.float())).audio)


def test_a_timbre_for_each_note_or_one_for_all(instrument, timbre) -> None:
    with pytest.raises(BadInput, match="2 timbres for 3 notes: give one, or one each"):
        instrument.render(Notes.of([60, 62, 64]), timbre.expand(2, -1))
    with pytest.raises(BadInput, match="there is no note to render"):
        instrument.render(Notes.of([]), timbre)


def test_an_unknown_control_is_refused(instrument, timbre) -> None:
    with pytest.raises(BadInput, match="no control 'wobble'"):
        instrument.render(NOTES, timbre, {"wobble": 1.0})


def test_louder_velocity_is_louder(instrument) -> None:
    if not instrument.can("velocity") or is_untrained(instrument):
        pytest.skip("says nothing of velocity, or has learned nothing yet")
    timbre = named_or_sampled(instrument)
    loudness = [
        float(instrument.render(Notes.of(60, v, 0.5), timbre).audio.square().mean())
        for v in (0.25, 0.5, 0.95)
    ]
    assert loudness == sorted(loudness)
    assert loudness[2] > 2 * loudness[0]


def test_bends_bend(instrument) -> None:
    if not instrument.can("bend") or is_untrained(instrument):
        pytest.skip("follows no bends, or has learned nothing yet")
    timbre = named_or_sampled(instrument)
    plain = Notes.of(60, 0.8, 0.6)
    bent = Notes(plain.pitch, plain.velocity, plain.duration_s, torch.full((1, 2), 2.0))
    before, after = (instrument.render(n, timbre).audio[0] for n in (plain, bent))
    ratio = strongest_hz(after, instrument.sample_rate) / strongest_hz(
        before, instrument.sample_rate
    )
    assert ratio == pytest.approx(2 ** (2 / 12), rel=0.01)


def test_gradients_reach_the_timbre(instrument, timbre) -> None:
    if not instrument.can("differentiable"):
        pytest.skip("says that no gradients pass")
    leaf = timbre.clone().requires_grad_()
    instrument.render(NOTES, leaf).audio.square().sum().backward()
    assert leaf.grad is not None
    assert float(leaf.grad.abs().sum()) > 0


def test_what_is_encoded_can_be_played(instrument) -> None:
    if not instrument.can("encode"):
        with pytest.raises(Unsupported, match="cannot encode"):
            instrument.encode(torch.zeros(16000))
        return
    time = torch.arange(16000) / instrument.sample_rate
    tone = 0.3 * (2 * torch.pi * 261.63 * time).sin() * torch.exp(-3 * time)
    for pitch in (-1.0, 1e300, float("nan")):
        with pytest.raises(BadInput, match=r"^the pitch of the sound is .*, wanted a MIDI number"):
            instrument.encode(tone, pitch=pitch)
    timbre = instrument.encode(tone, pitch=60.0)
    assert timbre.shape == (instrument.timbre_space.size,)
    assert bool(instrument.render(NOTES, timbre).audio.isfinite().all())


def test_what_it_cannot_do_is_said_in_one_line(instrument, timbre) -> None:
    if instrument.can("transfer"):
        pytest.skip("it can transfer")
    performance = Performance(*torch.zeros(3, 10), frame_rate=100.0)
    with pytest.raises(Unsupported, match=f"{instrument.family} cannot transfer: it can render"):
        instrument.transfer(performance, timbre)


def test_what_can_transfer_sounds_as_long_and_as_silent_as_it_is_asked(instrument, timbre) -> None:
    if not instrument.can("transfer"):
        pytest.skip("says that it cannot")
    curve = torch.ones(101)
    loud = Performance(220 * curve, -20 * curve, curve, 200.0)
    sound = instrument.transfer(loud, timbre)
    assert len(sound) == instrument.sample_rate // 2
    assert bool(sound.isfinite().all())
    assert float(sound.abs().max()) > 1e-4
    slower = Performance(*(c[::2] for c in (loud.f0_hz, loud.loudness_db, curve)), frame_rate=100.0)
    torch.testing.assert_close(instrument.transfer(slower, timbre), sound, atol=1e-5, rtol=0)
    silent = Performance(0 * curve, -120 * curve, 0 * curve, 200.0)
    assert float(instrument.transfer(silent, timbre).abs().max()) < 1e-4
    with pytest.raises(BadInput, match="1 frames: wanted 2 or more"):
        instrument.transfer(Performance(*torch.ones(3, 1), frame_rate=200.0), timbre)


def test_saved_and_loaded_it_is_equal_to_the_bit(instrument, timbre, tmp_path: Path) -> None:
    if isinstance(instrument, Shifted):
        pytest.skip("holds the name of the model inside, not the model")
    instrument.save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert type(loaded) is type(instrument)
    assert torch.equal(loaded.render(NOTES, timbre).audio, instrument.render(NOTES, timbre).audio)


def test_who_cannot_follow_a_live_input_says_so(instrument, timbre) -> None:
    if not instrument.can("follow"):
        with pytest.raises(Unsupported, match=f"{instrument.family} cannot follow a live input"):
            instrument.follower(timbre, 48000)


def is_untrained(instrument: Instrument) -> bool:
    return isinstance(instrument, MelVAE | Harmonic | Ddsp) and instrument.bank is None


def named_or_sampled(instrument: Instrument) -> torch.Tensor:
    if instrument.bank is not None:
        names = instrument.bank.names("sound")
        return instrument.bank["violin" if "violin" in names else names[0]]
    return instrument.timbre_space.sample(1, generator=torch.Generator().manual_seed(5))[0]


def strongest_hz(audio: torch.Tensor, sample_rate: int) -> float:
    spectrum = torch.fft.rfft(audio, n=8 * sample_rate).abs()
    return float(spectrum.argmax()) / 8
