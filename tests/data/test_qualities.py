from __future__ import annotations

import numpy as np
import pytest
import torch

from timbrel.data.notes.nsynth_layout import QUALITIES
from timbrel.data.notes.qualities import (
    burst_db,
    envelope_db,
    fall_db,
    measure_qualities,
    release_db,
    rise_db,
)

RATE = 16000
TIME_S = torch.arange(4 * RATE) / RATE
HOLD = torch.tensor([3.0])
UNSET = {"distortion", "multiphonic", "reverb", "tempo-synced"}


def tone(f0_hz: float = 261.63, harmonics: int = 1, rate: int = RATE) -> torch.Tensor:
    time_s = torch.arange(4 * rate) / rate
    return sum(torch.sin(2 * torch.pi * k * f0_hz * time_s) for k in range(1, harmonics + 1)) * 0.1


def shaped(level_db: torch.Tensor, **keys) -> torch.Tensor:
    return (tone(**keys) * 10 ** (level_db / 20))[None]


def qualities(
    audio: torch.Tensor, pitch: int = 60, hold_s: float = 3.0, rate: int = RATE
) -> set[str]:
    has = measure_qualities(audio, torch.tensor([pitch]), torch.tensor([hold_s]), rate)
    return {name for name, there in zip(QUALITIES, has[0].tolist(), strict=True) if there}


def test_the_envelope_is_the_level_of_a_sine():
    level = envelope_db(tone()[None], RATE)
    assert level.shape == (1, 400)
    assert torch.allclose(level[:, 5:-5], torch.tensor(-23.01), atol=0.1)


def test_falls_and_releases_are_in_decibels():
    steady_then_release = shaped(-40.0 * (TIME_S - 3.0).clamp(min=0))
    level = envelope_db(steady_then_release, RATE)
    assert fall_db(level, HOLD).item() == pytest.approx(0.0, abs=0.3)
    assert release_db(level, HOLD).item() == pytest.approx(20.0, abs=0.7)
    decaying = envelope_db(shaped(-10.0 * TIME_S), RATE)
    assert fall_db(decaying, HOLD).item() == pytest.approx(29.0, abs=0.7)
    dead = envelope_db(shaped(-30.0 * TIME_S), RATE)
    assert release_db(dead, HOLD).item() == float("inf")
    held_to_the_end = torch.tensor([3.9])
    assert release_db(level, held_to_the_end).item() == float("inf")


def test_rises_after_the_attack_are_measured_and_the_attack_is_not():
    swell = envelope_db(shaped(-20.0 + 20.0 * (TIME_S / 0.25).clamp(max=1.0)), RATE)
    assert rise_db(swell, HOLD).item() < 0.5
    back = envelope_db(shaped(-15.0 * torch.sin(torch.pi * TIME_S / 2.0).clamp(min=0)), RATE)
    assert rise_db(back, HOLD).item() == pytest.approx(15.0, abs=1.0)


def test_a_click_is_a_burst_and_a_plain_tone_is_not():
    noise = torch.from_numpy(np.random.default_rng(0).standard_normal(4 * RATE)).float()
    click = tone() + 0.3 * noise * torch.exp(-TIME_S / 0.01)
    assert burst_db(click[None], RATE).item() > 30
    fade_in = (TIME_S / 0.02).clamp(max=1.0)
    assert burst_db((tone(harmonics=20) * fade_in)[None], RATE).item() < 6
    assert "percussive" in qualities(click[None])
    assert "percussive" not in qualities((tone(harmonics=20) * fade_in)[None])


def test_bright_and_dark_follow_the_centroid_at_the_pitch():
    assert "bright" in qualities(tone(harmonics=28)[None])
    assert "dark" in qualities(tone()[None])
    assert not {"bright", "dark"} & qualities(tone(harmonics=6)[None])
    high = tone(f0_hz=1046.5, harmonics=2)[None]
    assert "dark" in qualities(high, pitch=96)
    assert not {"bright", "dark"} & qualities(high, pitch=72)
    assert "bright" in qualities(tone(f0_hz=2093.0, harmonics=2)[None], pitch=48)


def test_time_tells_the_rest():
    assert "fast_decay" in qualities(shaped(-10.0 * TIME_S))
    assert "fast_decay" not in qualities(shaped(-5.0 * TIME_S))
    assert "fast_decay" not in qualities(shaped(-60.0 * TIME_S), hold_s=0.5)
    released = -20.0 * (TIME_S - 3.0).clamp(min=0)
    assert "long_release" in qualities(shaped(released))
    assert "long_release" not in qualities(shaped(3 * released))
    tremolo = 6.0 * torch.sin(2 * torch.pi * TIME_S) - 6.0
    assert "nonlinear_env" in qualities(shaped(tremolo))
    assert "nonlinear_env" not in qualities(shaped(-10.0 * TIME_S))


def test_the_rate_does_not_change_what_is_heard():
    for harmonics in (1, 6, 28):
        low = qualities(tone(harmonics=harmonics)[None])
        assert qualities(tone(harmonics=harmonics, rate=44100)[None], rate=44100) == low


def test_what_cannot_be_told_is_never_said_and_silence_has_nothing():
    noise = torch.randn(8, RATE, generator=torch.Generator().manual_seed(0))
    has = measure_qualities(noise, torch.arange(30, 110, 10), torch.full((8,), 0.5), RATE)
    unset = [i for i, name in enumerate(QUALITIES) if name in UNSET]
    assert not has[:, unset].any()
    silent = measure_qualities(torch.zeros(1, 100), torch.tensor([60.0]), HOLD, RATE)
    assert not silent.any()


def test_a_batch_says_what_its_notes_say_alone():
    audio = torch.cat([tone()[None], tone(harmonics=28)[None], shaped(-10.0 * TIME_S)])
    pitch, hold_s = torch.tensor([60, 60, 60]), torch.full((3,), 3.0)
    together = measure_qualities(audio, pitch, hold_s, RATE)
    for i in range(3):
        one = slice(i, i + 1)
        alone = measure_qualities(audio[one], pitch[one], hold_s[one], RATE)
        assert torch.equal(alone[0], together[i])


@pytest.mark.soundfont
def test_listeners_would_agree_on_real_instruments(soundfont):
    from timbrel.data.soundfonts.plan import PlannedNote
    from timbrel.data.soundfonts.rendering import FontPlayer
    from timbrel.data.soundfonts.soundfont import SoundFontSettings, gm_programs

    player = FontPlayer(soundfont, SoundFontSettings())

    def heard(program: int) -> set[str]:
        audio = player.play(PlannedNote("train", gm_programs()[program], 60, 100))
        return qualities(torch.from_numpy(audio)[None])

    assert "fast_decay" in heard(0)
    assert "fast_decay" in heard(13)
    assert "fast_decay" not in heard(19)
    assert "percussive" in heard(13)
    assert not {"percussive", "fast_decay"} & heard(48)
    assert "long_release" in heard(49)
    assert "long_release" not in heard(56)
