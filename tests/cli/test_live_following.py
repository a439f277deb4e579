"""What `timbrel live --transfer` makes of its options, short of a sound card."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from timbrel.cli.live.following import (
    Fitter,
    FollowWishes,
    _latency_s,
    _note,
    _status,
    make_follow_engine,
)
from timbrel.cli.play.targets import Target
from timbrel.errors import BadInput, Unsupported
from timbrel.instruments.ddsp import Ddsp, DdspSettings
from timbrel.instruments.ddsp.timbre_layout import Manner
from timbrel.instruments.sine import Sine
from timbrel.live import Duplex

RATE = 16000


@pytest.fixture
def target() -> Target:
    """A model of random weights that plays C4 to C6."""
    torch.manual_seed(0)
    model = Ddsp(DdspSettings(size="tiny", sample_rate=RATE, latent=0, reverb_s=0.0))
    manner = Manner(*map(torch.tensor, (60.0, 84.0, -50.0, -20.0, 0.01, 0.0, 0.05)))
    return Target(model, model.layout.timbre(torch.zeros(0), manner), "flute", "ddsp-flute")


@pytest.fixture(autouse=True)
def own_settings(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def hum(seconds: float, level: float = 0.03) -> np.ndarray:
    time_s = np.arange(round(seconds * RATE)) / RATE
    partials = [np.sin(2 * np.pi * 146.8 * k * time_s) / k for k in range(1, 6)]
    return (level * sum(partials)).astype(np.float32)


def heard(engine, sound: np.ndarray) -> np.ndarray:
    out = np.zeros(len(sound), np.float32)
    for begin in range(0, len(sound), 256):
        engine.process(sound[begin : begin + 256], out[begin : begin + 256], 0.0)
    return out


def test_an_octave_that_is_said_holds_at_once(target) -> None:
    wishes = FollowWishes("flute", sample_rate=RATE, octaves=2)
    engine = make_follow_engine(wishes, target)
    fitter = Fitter(engine, target, wishes)
    assert (engine.shift.ratio, engine.shift.gain_db, fitter.fit.octaves) == (4.0, 0.0, 2)
    fitter.look()
    assert engine.shift.ratio == 4.0


def test_an_octave_is_sought_once_three_seconds_are_heard(target, capsys) -> None:
    wishes = FollowWishes("flute", sample_rate=RATE, octaves=None)
    engine = make_follow_engine(wishes, target)
    fitter = Fitter(engine, target, wishes)
    heard(engine, hum(2.0))
    fitter.look()
    assert engine.shift == (1.0, 0.0)
    heard(engine, np.zeros(RATE, np.float32))
    fitter.look()
    assert engine.shift == (1.0, 0.0)
    heard(engine, hum(1.2))
    fitter.look()
    assert engine.shift.ratio == 2.0
    assert 5 < engine.shift.gain_db < 30
    assert "timbrel: flute plays what it hears: an octave up, " in capsys.readouterr().err


def test_the_level_is_left_where_it_was_said(target) -> None:
    wishes = FollowWishes("flute", sample_rate=RATE, octaves=None, input_gain_db=6.0)
    engine = make_follow_engine(wishes, target)
    fitter = Fitter(engine, target, wishes)
    heard(engine, hum(3.2))
    fitter.look()
    assert engine.shift == (2.0, 0.0)
    assert engine.look_at_level_db() > -25


def test_it_sounds_and_is_silent_with_what_it_hears(target) -> None:
    engine = make_follow_engine(FollowWishes("flute", sample_rate=RATE), target)
    out = heard(engine, np.concatenate([hum(0.5), np.zeros(RATE // 2, np.float32)]))
    assert np.abs(out[: RATE // 2]).max() > 1e-4
    assert np.abs(out[-RATE // 4 :]).max() < 1e-5


def test_the_status_line_says_what_is_heard_and_how_late(target) -> None:
    card = Duplex.__new__(Duplex)  # without a stream
    card.round_trip_s = 0.0107
    engine = make_follow_engine(FollowWishes("flute", sample_rate=RATE), target)
    heard(engine, hum(0.5))
    assert _latency_s(engine, card) == pytest.approx(0.0307)
    line = _status(engine, card, "flute")()
    parts = [part.strip() for part in line.split("|")]
    assert parts[0].startswith("in  -2")
    assert parts[1].replace("-0", "+0").split() == ["D3", "+0", "c"]
    assert (parts[2], parts[4:]) == ("latency 31 ms", ["underflows 0", "flute"])
    assert _note(0.0).strip() == "-"


def test_controls_are_mapped_as_with_keyboards(target) -> None:
    wishes = FollowWishes("flute", sample_rate=RATE, bindings=("74=noise_gain",))
    assert make_follow_engine(wishes, target).knobs.bindings[74] == "noise_gain"
    with pytest.raises(BadInput, match="no control 'noise': this instrument has harmonic_gain"):
        make_follow_engine(FollowWishes("flute", bindings=("74=noise",)), target)


def test_who_only_transfers_recordings_is_refused() -> None:
    plain = Target(Sine(), torch.zeros(4), "sine", "sine")
    with pytest.raises(Unsupported, match="sine cannot follow a microphone, only recordings"):
        make_follow_engine(FollowWishes("sine"), plain)


def test_without_a_sound_card_one_line_says_so(timbrel, monkeypatch) -> None:
    monkeypatch.setattr("timbrel.cli.live.following.output_devices", list)
    monkeypatch.setattr("timbrel.cli.live.following.input_devices", list)
    line = timbrel("live", "--transfer", "violin").refusal
    assert line.startswith("no sound card that hears and plays was found: connect one")


def test_keys_are_not_for_a_microphone(timbrel) -> None:
    line = timbrel("live", "--transfer", "violin", "--keys").refusal
    assert line == "--keys, --play, --corners and --legato are not for --transfer"
    assert "--gate" in timbrel("live", "--transfer", "violin", "--gate", "3").refusal
