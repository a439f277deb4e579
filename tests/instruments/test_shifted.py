"""`shifted` around the exact `sine`: what a pitch-shifted sampler must still get right."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from timbrel.dsp.envelope import Adsr
from timbrel.errors import BadModel, Unsupported
from timbrel.instruments import Instrument, load
from timbrel.instruments.mel_vae import MelVAE
from timbrel.instruments.shifted import Shifted, ShiftedSettings
from timbrel.instruments.sine import Sine
from timbrel.sound import Notes, Rendered, TimbreSpace
from timbrel.units import hz_to_midi

FIRST = torch.tensor([1.0, 0.0, 0.0, 0.0])


def strongest_pitch(audio: torch.Tensor) -> float:
    spectrum = torch.fft.rfft(audio * torch.hann_window(len(audio)), n=1 << 18).abs()
    return hz_to_midi(float(spectrum.argmax()) * 16000 / (1 << 18))


@pytest.mark.parametrize("pitch", [48.0, 60.0, 66.5, 72.0])
def test_the_base_note_comes_out_at_the_notes_pitch(pitch: float) -> None:
    (audio,) = Shifted(inner=Sine()).render(Notes.of(pitch, 0.8, 1.0), FIRST)
    assert strongest_pitch(audio[2000:14000]) == pytest.approx(pitch, abs=0.1)


def test_at_the_base_pitch_the_sound_is_the_inner_one_under_the_envelope() -> None:
    """ADSR of 5 ms, 100 ms, 0.9, 150 ms: the sustain is 0.9 of the inner note."""
    (audio,) = Shifted(inner=Sine()).render(Notes.of(60, 0.8, 1.0), FIRST)
    (inner,) = Sine().render(Notes.of(60, 0.8, 4.0), FIRST)
    torch.testing.assert_close(audio[2000:16000], 0.9 * inner[2000:16000], atol=1e-5, rtol=0)
    assert len(audio) == 16000 + 0.15 * 16000 + 1
    assert float(audio[-1].abs()) < 1e-6


@pytest.mark.parametrize("duration_s", [0.1, 1.0, 5.5])
def test_a_note_lasts_as_long_as_it_is_held_and_its_release(duration_s: float) -> None:
    rendered = Shifted(inner=Sine()).render(Notes.of(64, 0.8, duration_s), FIRST)
    assert int(rendered.lengths[0]) == round((duration_s + 0.15) * 16000) + 1


def test_velocity_scales_the_base_note() -> None:
    soft, loud = Shifted(inner=Sine()).render(Notes.of([62, 62], [0.2, 0.8], 0.5), FIRST)
    torch.testing.assert_close(4 * soft, loud, atol=1e-6, rtol=1e-5)


class Deaf(Instrument):
    """It renders, and that is all."""

    family = "sine"
    sample_rate = 16000
    timbre_space = TimbreSpace.gaussian(2)

    def render(self, notes, timbre, controls=None, *, generator=None) -> Rendered:
        return Sine().render(notes, FIRST)


def test_it_can_what_the_instrument_inside_can_but_bend() -> None:
    assert Shifted(inner=Sine()).abilities == {"encode", "generate", "velocity"}
    assert Shifted(inner=Deaf()).abilities == {"velocity"}
    refusal = r"^shifted cannot encode: it can render, play, velocity$"
    with pytest.raises(Unsupported, match=refusal):
        Shifted(inner=Deaf()).encode(torch.zeros(16000))


def test_it_takes_over_space_rate_controls_and_bank() -> None:
    inner = MelVAE()
    outer = Shifted(inner=inner)
    assert outer.timbre_space is inner.timbre_space
    assert outer.controls is inner.controls
    assert outer.sample_rate == inner.sample_rate


def test_a_folder_names_the_model_inside(tmp_path: Path) -> None:
    envelope = Adsr(attack_s=0.02, release_s=0.4)
    settings = ShiftedSettings(inner="sine", base_pitch=55.0, envelope=envelope)
    Shifted(settings).save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert isinstance(loaded, Shifted)
    assert loaded.settings == settings
    assert isinstance(loaded.inner, Sine)


def test_a_model_that_wraps_itself_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "snake"
    Shifted(ShiftedSettings(inner=str(folder)), inner=Sine()).save(folder)
    with pytest.raises(BadModel, match="snake is shifted already: name the model inside it"):
        load(folder)


def test_a_model_inside_that_is_not_there_is_named(tmp_path: Path) -> None:
    Shifted(ShiftedSettings(inner="nowhere"), inner=Sine()).save(tmp_path / "model")
    with pytest.raises(BadModel, match="no model 'nowhere'"):
        load(tmp_path / "model")
