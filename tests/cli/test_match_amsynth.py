"""`timbrel match` with a plug-in: what it writes, the plug-in itself loads and plays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from timbrel.audio import read_audio
from timbrel.dsp.distances import mss_db
from timbrel.instruments.preset.hearing.heard import SAMPLE_RATE, fitted
from timbrel.instruments.preset.hearing.target import TYPICAL_VELOCITY
from timbrel.sound import Notes
from timbrel.synths.amsynth import Amsynth
from timbrel.synths.files import read_patch


@pytest.mark.needs("amsynth")
def test_the_fxp_that_match_writes_sounds_the_same_in_the_plug_in(timbrel: Any, sounds: Path):
    words = ("--synth", "amsynth", "--seconds", 3, "--count", 2, "--pitch", 60, "--out", "found")
    ran = timbrel("match", sounds / "a.wav", *words, "--json")
    assert ran.code == 0, ran.err
    told = json.loads("\n".join(ran.out))
    assert len(told["patches"]) == 2
    (wav,) = Path("found").glob("*.wav")
    first, second = sorted(Path("found").glob("*.fxp"))
    assert first.with_suffix(".toml").is_file()
    assert second.with_suffix(".toml").is_file()
    synth = Amsynth(processes=1)
    heard = read_audio(wav, SAMPLE_RATE)
    note = Notes.of(60.0, TYPICAL_VELOCITY, told["held_s"])
    theirs = fitted(synth.render_preset(str(first), note).audio[0])
    held = slice(0, int((told["held_s"] - 0.01) * SAMPLE_RATE))  # it is told in whole ms
    assert (theirs - heard)[held].norm() < 1e-3 * heard[held].norm()
    assert mss_db(theirs, heard, SAMPLE_RATE) < 0.1
    knobs = synth.parameters.named(read_patch(first).values)
    assert knobs == pytest.approx(told["patches"][0]["values"], abs=1e-6)
    assert knobs["keyboard_mode"] == "poly"
    synth.host.end()
