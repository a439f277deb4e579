"""The instrument: melodies followed, notes played, timbres heard."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from timbrel.config import make_settings
from timbrel.dsp.listening import follow
from timbrel.errors import BadAudio, BadInput, Unsupported
from timbrel.instruments.ddsp import Ddsp, DdspSettings
from timbrel.instruments.ddsp.timbre_layout import Manner
from timbrel.sound import Notes, Performance
from timbrel.timbre import Bank

RATE = 16000


def instrument(**settings) -> Ddsp:
    torch.manual_seed(3)
    tables = {"size": "tiny", "sample_rate": RATE, "latent": 0} | settings
    return Ddsp(make_settings(DdspSettings, tables))


def timbre_of(model: Ddsp, *latent: float, **changed: float) -> torch.Tensor:
    numbers = {
        "lowest_pitch": 48.0, "highest_pitch": 84.0, "softest_db": -40.0, "loudest_db": -15.0,
        "attack_s": 0.02, "fall_db_s": 0.0, "release_s": 0.1,
    } | changed  # fmt: skip
    manner = Manner(*(torch.tensor(value) for value in numbers.values()))
    return model.layout.timbre(torch.tensor(latent), manner)


def steady(loudness_db: float = -20.0, frames: int = 201) -> Performance:
    curve = torch.ones(frames)
    return Performance(220 * curve, loudness_db * curve, curve, 200.0)


def test_what_is_followed_is_at_its_pitch_and_its_loudness():
    model = instrument(reverb_s=0)
    timbre = timbre_of(model)
    quieter, louder = (
        follow(model.transfer(steady(level), timbre, {"noise_gain": -40}), RATE)
        for level in (-40.0, -20.0)
    )
    assert float(louder.f0_hz[100]) == pytest.approx(220, rel=3e-3)
    assert float(louder.loudness_db[100]) > float(quieter.loudness_db[100]) + 10


def test_gains_turn_what_they_name():
    model = instrument(reverb_s=0.3)
    timbre, off = timbre_of(model), {"reverb_gain": -40, "noise_gain": -40}
    dry = model.transfer(steady(), timbre, off)
    softer = model.transfer(steady(), timbre, off | {"harmonic_gain": -20})
    assert float(softer.square().mean() / dry.square().mean()) == pytest.approx(0.01, rel=0.1)
    plain, wet = (model.transfer(steady(), timbre, {"reverb_gain": db}) for db in (0, 6))
    half = model.transfer(steady(), timbre, {"reverb_gain": -6.0206})
    back = (plain - half) * 2
    torch.testing.assert_close(wet, plain + (10 ** (6 / 20) - 1) * back, atol=1e-4, rtol=0)


def test_the_octave_and_the_loudness_that_are_asked_for_stay():
    model = instrument()
    low = timbre_of(model, lowest_pitch=30.0, highest_pitch=40.0)
    assert torch.equal(model.transfer(steady(), low), model.transfer(steady(), timbre_of(model)))
    assert model.register(low) == (30.0, 40.0, -40.0, -15.0)


def test_mixed_ends_of_a_register_are_put_in_order():
    model = instrument()
    crossed = timbre_of(model, lowest_pitch=70.0, highest_pitch=50.0)
    assert model.register(crossed)[:2] == (50.0, 70.0)


def test_takes_differ_in_their_noise_alone():
    model = instrument(reverb_s=0)
    notes, timbre = Notes.of([60.0, 60.0], duration_s=0.3), timbre_of(model)
    generator = torch.Generator().manual_seed(1)
    one, other = model.render(notes, timbre, generator=generator).audio
    assert not torch.equal(one, other)
    quiet = {"noise_gain": -40.0}
    one, other = model.render(notes, timbre, quiet, generator=generator).audio
    assert float((one - other).square().mean()) < 1e-3 * float(one.square().mean())


def test_a_note_lasts_for_its_release_and_its_room():
    model = instrument(reverb_s=0.25)
    rendered = model.render(Notes.of(60.0, duration_s=0.3), timbre_of(model))
    assert int(rendered.lengths[0]) == pytest.approx((0.3 + 0.1 + 0.25) * RATE, abs=0.006 * RATE)


def test_the_longest_room_sounds():
    model = instrument(reverb_s=5.0)
    sound = model.transfer(steady(), timbre_of(model))
    assert bool(sound.isfinite().all())
    rendered = model.render(Notes.of(60.0, duration_s=0.1), timbre_of(model))
    assert int(rendered.lengths[0]) == pytest.approx(5.2 * RATE, abs=0.01 * RATE)
    out = np.zeros(RATE, np.float32)
    follower = model.follower(timbre_of(model), 44100)
    for _ in range(60):
        follower.hear(220.0, -20.0, 1.0)
    follower.process(out)
    assert 0 < np.abs(out).max() < np.inf


def test_one_instrument_hears_no_timbres_and_many_do():
    sound = 0.3 * (2 * torch.pi * 330 * torch.arange(RATE) / RATE).sin()
    with pytest.raises(Unsupported, match="ddsp cannot encode"):
        instrument().encode(sound)
    many = instrument(latent=4)
    timbre = many.encode(sound)
    assert many.register(timbre)[:2] == pytest.approx((58.0, 70.0), abs=0.1)
    assert torch.equal(many.encode(sound), timbre)


def test_how_loud_a_recording_is_tells_nothing():
    sound = 0.3 * (2 * torch.pi * 330 * torch.arange(RATE) / RATE).sin()
    many = instrument(latent=4)
    many.bank = Bank(many.fingerprint)
    many.bank.add("oboe", timbre_of(many, *[0.0] * 4, loudest_db=-12.0))
    soft, loud = (many.register(many.encode(gain * sound)) for gain in (0.03, 1.0))
    assert soft == pytest.approx(loud, abs=0.05)
    assert loud.loudest_db == pytest.approx(-12.0, abs=1e-3)


def test_latents_sound_different():
    model = instrument(latent=2)
    one, other = (model.transfer(steady(), timbre_of(model, *z)) for z in ((1.0, 0.0), (-1.0, 2.0)))
    assert float((one - other).abs().max()) > 1e-3


def test_performances_that_cannot_be_followed_are_refused():
    model, broken = instrument(), steady()
    broken.loudness_db[7] = float("nan")
    with pytest.raises(BadInput, match="performance: loudness_db is nan, wanted -400 to 200"):
        model.transfer(broken, timbre_of(model))
    long = Performance(*torch.ones(3, 3700), frame_rate=1.0)
    with pytest.raises(BadInput, match="a performance of 3699 s: wanted 3600 or less, cut it"):
        model.transfer(long, timbre_of(model))


@pytest.mark.parametrize("f0_hz", [0.0, 1e-30, 1e7])
def test_pitches_that_nothing_has_sound_as_something(f0_hz: float):
    model, curve = instrument(reverb_s=0.1), torch.ones(50)
    sound = model.transfer(Performance(f0_hz * curve, -20 * curve, curve, 200.0), timbre_of(model))
    assert bool(sound.isfinite().all())


def test_a_pitch_of_zero_is_none_however_sure():
    model, melody, holes = instrument(reverb_s=0), steady(), steady()
    melody.confidence[50:90] = holes.confidence[50:90] = 1.0
    holes.f0_hz[50:90] = 0.0
    wanted = model.transfer(melody, timbre_of(model))
    assert torch.equal(model.transfer(holes, timbre_of(model)), wanted)


def test_hardly_any_sound_is_too_little_to_hear():
    with pytest.raises(BadAudio, match=r"has 1 samples .* at least 20 ms are needed"):
        instrument(latent=4).encode(torch.ones(1))


def test_the_transformer_follows_long_melodies_part_by_part(monkeypatch: pytest.MonkeyPatch):
    from timbrel.instruments.ddsp import network

    model = instrument(decoder="transformer", looks_back=16, reverb_s=0)
    performance = Performance(
        *(torch.linspace(low, high, 300) for low, high in ((110, 440), (-50, -10), (1, 1))),
        frame_rate=200.0,
    )
    whole = model.transfer(performance, timbre_of(model))
    monkeypatch.setattr(network, "_AT_ONCE", 64)
    parts = model.transfer(performance, timbre_of(model))
    torch.testing.assert_close(parts, whole, atol=1e-5, rtol=0)
