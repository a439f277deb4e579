"""What is told or asked in a wrong type is refused in one line, where nothing checks types."""

from __future__ import annotations

import subprocess
import sys

_ASK = """
from dataclasses import replace
import numpy as np
import torch
from timbrel.errors import BadInput
from timbrel.instruments.ddsp import Ddsp, DdspSettings
from timbrel.sound import Performance

model = Ddsp(DdspSettings(size="tiny", sample_rate=16000, latent=4, reverb_s=0.0))
timbre, curve = model.timbre_space.sample(1)[0], torch.ones(20)
melody = Performance(220 * curve, -20 * curve, curve, 200.0)
tone = 0.3 * torch.sin(torch.arange(8000) * 0.1)
follower = model.follower(timbre, 16000)
def changed(**curves):
    return lambda: replace(melody, **curves)
asked = [
    changed(loudness_db=curve[:4]),
    changed(f0_hz=curve[None]),
    changed(f0_hz=curve.long()),
    changed(confidence=np.ones(20)),
    changed(confidence=[1.0] * 20),
    changed(loudness_db=None),
    changed(frame_rate=None),
    changed(frame_rate="fast"),
    lambda: model.transfer(None, timbre),
    lambda: model.transfer(melody, "violin"),
    lambda: model.transfer(melody, timbre, ["noise_gain"]),
    lambda: model.transfer(melody, timbre, {"noise_gain": "loud"}),
    lambda: model.transfer(melody, timbre, {1: 2.0, "a": 3.0}),
    lambda: model.encode(np.ones(8000)),
    lambda: model.encode("violin.wav"),
    lambda: model.encode(tone, pitch="C4"),
    lambda: model.follower(timbre, "48000"),
    lambda: model.follower(timbre, None),
    lambda: model.follower("violin", 48000),
    lambda: follower.hear("220", -20.0, 1.0),
    lambda: follower.hear(220.0, None, 1.0),
    lambda: follower.hear(220.0, -20.0, [1.0]),
    lambda: follower.hear(10**400, -20.0, 1.0),
    lambda: follower.set("noise_gain", "loud"),
    lambda: follower.set(["noise_gain"], 1.0),
]
for ask in asked:
    try:
        ask()
        print("nothing was said")
    except BadInput as error:
        print(error)
"""

_SAID = [
    "performance: f0_hz, loudness_db, confidence have 20, 4, 20 frames, wanted as many",
    "performance: f0_hz is torch.float32 of [1, 20], wanted a tensor [frames] of floats",
    "performance: f0_hz is torch.int64 of [20], wanted a tensor",
    "performance: confidence is ndarray, wanted a tensor",
    "performance: confidence is list, wanted a tensor",
    "performance: loudness_db is NoneType, wanted a tensor",
    "performance: frame_rate is None, wanted 1 to 10000 a second",
    "performance: frame_rate is 'fast', wanted 1 to 10000 a second",
    "the performance is NoneType: wanted a Performance",
    "timbre is str, wanted a tensor of floats",
    "controls are list: wanted names with numbers, as {'gain': -6.0}",
    "noise_gain is 'loud', wanted a number",
    "no control 1: this instrument has harmonic_gain",
    "the sound is ndarray, wanted a tensor [time] of floats",
    "the sound is str, wanted a tensor [time] of floats",
    "the pitch of the sound is 'C4', wanted a number",
    "a sample rate of '48000' Hz is outside",
    "a sample rate of None Hz is outside 1000 to 768000",
    "timbre is str, wanted a tensor of floats",
    "f0_hz is '220', wanted a number",
    "loudness_db is None, wanted a number",
    "confidence is [1.0], wanted a number",
    "f0_hz is 1000",
    "noise_gain is 'loud', wanted a number",
    "no control ['noise_gain']: this instrument has harmonic_gain",
]


def test_each_wrong_type_is_one_line() -> None:
    done = subprocess.run([sys.executable, "-c", _ASK], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert len(said) == len(_SAID)
    assert [line[: len(wanted)] for line, wanted in zip(said, _SAID, strict=True)] == _SAID
