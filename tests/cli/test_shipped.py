"""The verbs as a user meets them: with the shipped model and the names in its bank."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from timbrel.audio import read_audio, read_channels
from timbrel.dsp.descriptors import spectral_centroid_hz
from timbrel.dsp.pitch import note_pitch

pytestmark = pytest.mark.slow


def test_demo_needs_nothing_else(timbrel: Any) -> None:
    ran = timbrel("demo")
    assert (ran.code, ran.err) == (0, [])
    for path in ran.paths[:3]:
        audio, _ = read_channels(path)
        assert 0.03 < float(audio.abs().max()) <= 1
    morph = read_audio(ran.paths[0], 16000)
    assert note_pitch(morph[: len(morph) // 7], 16000) == pytest.approx(60, abs=0.5)


@pytest.mark.parametrize(
    "expression",
    ["violin + 0.5*bright - dark", "piano - acoustic + synthetic", "0.5*flute + 0.5*guitar"],
)
def test_blends_sound_at_the_pitch_asked_for(timbrel: Any, expression: str) -> None:
    ran = timbrel("blend", expression, "--pitch", "G3")
    assert ran.code == 0, ran.err
    assert note_pitch(read_audio(ran.paths[0], 16000), 16000) == pytest.approx(55, abs=0.5)


def test_more_bright_is_brighter(timbrel: Any) -> None:
    plain, bright, dark = (
        float(spectral_centroid_hz(read_audio(timbrel("blend", said).paths[0], 16000), 16000))
        for said in ("violin", "violin + bright", "violin + dark")
    )
    assert dark < plain < bright


def test_a_song_finds_its_timbres(timbrel: Any, song: Path) -> None:
    ran = timbrel("render", song)
    assert (ran.code, ran.paths) == (0, [Path("out/song.wav")])


def test_a_recording_at_any_rate_is_heard(timbrel: Any, sounds: Path) -> None:
    ran = timbrel("morph", sounds / "stereo8k.wav", "violin", "--alpha", "0.5")
    assert ran.code == 0, ran.err
    assert note_pitch(read_audio(ran.paths[0], 16000), 16000) == pytest.approx(60, abs=0.5)


def test_generated_sounds_are_different(timbrel: Any) -> None:
    one, two = timbrel("generate", "--count", "2", "--duration", "0.5").paths[1:3]
    assert one.read_bytes()[-4000:] != two.read_bytes()[-4000:]


def test_doctor_is_content(timbrel: Any) -> None:
    assert timbrel("doctor").code == 0
