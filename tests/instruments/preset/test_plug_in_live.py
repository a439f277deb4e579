"""amsynth played live: its notes are rendered beside the thread that makes the sound."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from timbrel.instruments.prepared import PreparedPlayer
from timbrel.instruments.preset import Preset, PresetSettings

RATE = 48000
ORGAN = {"osc1_waveform": 0, "osc_mix": -1.0, "amp_sustain": 1.0, "amp_release": 0.2,
         "filter_type": 4, "master_vol": 0.7}  # fmt: skip

pytestmark = pytest.mark.needs("amsynth")


@pytest.fixture(scope="module")
def amsynth():
    instrument = Preset(PresetSettings(synth="amsynth", size="tiny", latent=8))
    yield instrument
    instrument.synth.host.end()


def heard(player, seconds: float) -> np.ndarray:
    out = np.zeros(round(seconds * RATE), np.float32)
    for block in np.split(out, range(128, len(out), 128)):
        player.process(block)
    return out


def pitch_of(audio: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(audio * np.hanning(len(audio)), 1 << 18))
    return 69 + 12 * np.log2(spectrum.argmax() * RATE / (1 << 18) / 440)


def begin(player, key: int, pitch: float) -> None:
    """Strike a key, and play blocks until it sounds from what was prepared for it."""
    player.note_on(key, pitch, 0.9)
    (voice,) = [voice for voice in player._playing if voice is not None]
    until = time.monotonic() + 60
    while voice.reader is None or voice.reader.key != voice.key:
        assert time.monotonic() < until, player.problem
        heard(player, 0.01)
        time.sleep(0.005)
    heard(player, 0.2)


def test_notes_sound_and_end_and_none_is_rendered_where_sound_is_made(amsynth, monkeypatch):
    render, threads = amsynth.synth.render, []

    def watched(*words, **named):
        threads.append(threading.current_thread().name)
        return render(*words, **named)

    monkeypatch.setattr(amsynth.synth, "render", watched)
    player = amsynth.player(4, RATE)
    assert isinstance(player, PreparedPlayer)
    player.set_timbre(amsynth.synth.parameters.vector(ORGAN))
    for key, pitch in ((1, 60.0), (2, 67.4)):
        begin(player, key, pitch)
        assert pitch_of(heard(player, 0.5)) == pytest.approx(pitch, abs=0.05)
        held = heard(player, 4.0)  # longer than what was rendered
        assert np.abs(held[-RATE:]).max() == pytest.approx(np.abs(held[:RATE]).max(), rel=0.2)
        player.note_off(key)
        released = heard(player, 1.5)
        assert np.abs(released[:500]).max() > 0.3 * np.abs(held).max()
        assert not released[RATE:].any()
        assert player.active_voices == 0
    assert player.problem == ""
    assert set(threads) == {"prepare notes"}


def test_a_player_without_a_bank_begins_with_the_untouched_patch(amsynth):
    player = amsynth.player(1, RATE)
    assert player._flavour.vector().tolist() == amsynth.synth.parameters.defaults.tolist()
