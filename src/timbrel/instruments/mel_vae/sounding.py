"""From what the decoder of `mel_vae` says to audio."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import lru_cache

import torch
from jaxtyping import Float, Int
from torch import Tensor

from timbrel.dsp.envelope import fade
from timbrel.dsp.inversion import Method, invert_mel
from timbrel.dsp.inversion.harmonic import shaped_noise
from timbrel.dsp.mel import FLOOR_DB, MelScale
from timbrel.dsp.oscillators import harmonic_bank
from timbrel.instruments.instrument import ControlValues
from timbrel.instruments.mel_vae.decoded import RELEASE_S, Decoded
from timbrel.instruments.mel_vae.network import COMB_PEAK_DB
from timbrel.sound import Notes
from timbrel.units import db_to_amplitude, db_to_power, midi_to_hz

REFERENCE_DB = 22.0
"""Power of a loud note's loudest band as it is played: a sine of amplitude 1/4."""

_SILENT_DB = -72.0
"""A note has died away where it stays this far under its maximum: near the floor of what is
learned, where the network's last few dB would be noise without end."""

_FAINTEST_DB = FLOOR_DB - 30.0
"""A harmonic this soft is none: weaker in its band than anything learned, by the comb's depth."""

_FADE_IN_S, _FADE_OUT_S = 0.001, 0.03
"""Against clicks: shorter than any attack, and than any release is heard to end."""


def sounds_of(
    decoded: Decoded, notes: Notes, scale: MelScale, inversion: Method, salt: int = 0
) -> list[Float[Tensor, " time"]]:
    """Audio of decoded notes, each cut where it has died away.

    Args:
        decoded: as the network says; of as many notes.
        notes: their pitches and bends.
        scale: of the decoded mels.
        inversion: how they become audio.
        salt: of the noise; another one gives another take.
    """
    length = (decoded.noise_db.shape[-1] - 1) * scale.hop_length
    generators = [_note_generator(notes, i, salt) for i in range(len(notes))]
    if inversion == "pitched":
        audio = _laid_on_pitch(decoded, notes, scale, length, generators)
    else:
        power = db_to_power(decoded.mel_db.clamp_min(FLOOR_DB) + _gain_db(decoded))
        audio = torch.stack([
            invert_mel(p, scale, length=length, method=inversion, generator=g)
            for p, g in zip(power, generators, strict=True)
        ])  # fmt: skip
    latest = ((notes.duration_s + RELEASE_S) * scale.frame_rate).long()
    ends = torch.minimum(_audible_frames(decoded), latest) * scale.hop_length
    return [fade(sound[:end], scale.sample_rate, out_s=_FADE_OUT_S)
            for sound, end in zip(audio, ends.tolist(), strict=True)]  # fmt: skip


def controlled(decoded: Decoded, values: ControlValues, scale: MelScale) -> Decoded:
    """With brightness as a tilt around 1 kHz, and the noise louder or softer."""
    octaves = (scale.centres_hz() / 1000).log2()
    tilt_db = values["brightness"] * octaves[:, None]
    return replace(
        decoded,
        harmonic_db=decoded.harmonic_db + tilt_db,
        noise_db=decoded.noise_db + tilt_db + values["noise"],
    )


def _gain_db(decoded: Decoded) -> Float[Tensor, "notes 1 1"]:
    """From dB under a note's own maximum to mel power."""
    return (decoded.level_db + REFERENCE_DB)[:, None, None]


def _audible_frames(decoded: Decoded) -> Int[Tensor, " notes"]:
    """Frames until each note has died away."""
    loudest = decoded.mel_db.amax(1)
    frames = torch.arange(1, loudest.shape[-1] + 1)
    return ((loudest > _SILENT_DB) * frames).amax(-1).clamp(2, loudest.shape[-1] - 1)


def _laid_on_pitch(
    decoded: Decoded,
    notes: Notes,
    scale: MelScale,
    length: int,
    generators: list[torch.Generator],
) -> Float[Tensor, "notes time"]:
    """Harmonics on the notes' own f0, bends included, and noise from the rest."""
    gain_db = _gain_db(decoded)
    frames = decoded.noise_db.shape[-1]
    times_s = torch.arange(frames) / scale.frame_rate
    f0_hz = midi_to_hz(notes.pitch[:, None] + notes.bend_at(times_s))
    # A frame near the onset sees silence before it: undo what the window's share of it took.
    seen = _seen_share(frames, scale)
    amplitude = _harmonic_amplitudes(decoded.harmonic_db + gain_db, notes.pitch, scale)
    # the same phases for all notes, but no two alike: harmonics in step would make a pulse
    starts = torch.rand(amplitude.shape[-1], generator=torch.Generator().manual_seed(1))
    tones = harmonic_bank(
        f0_hz, amplitude / seen[:, None], scale.sample_rate, scale.hop_length,
        start=starts, length=length,
    )  # fmt: skip
    noise = db_to_power(decoded.noise_db + gain_db)
    quiet = decoded.noise_db < FLOOR_DB
    noise = torch.where(quiet, torch.zeros(()), noise) / seen.square()
    hiss = [shaped_noise(n, scale, length, g) for n, g in zip(noise, generators, strict=True)]
    return fade(tones + torch.stack(hiss), scale.sample_rate, in_s=_FADE_IN_S)


def _harmonic_amplitudes(
    harmonic_db: Float[Tensor, "notes mels frames"],
    pitch: Float[Tensor, " notes"],
    scale: MelScale,
) -> Float[Tensor, "notes frames harmonics"]:
    """Amplitude of each harmonic below the scale's upper end, read off between the bands."""
    f0_hz = midi_to_hz(pitch)
    order = torch.arange(1, int(scale.maximum_hz / float(f0_hz.min())) + 1)
    frequency_hz = f0_hz[:, None] * order
    place = scale.band_of(frequency_hz).clamp(0, scale.n_mels - 1)
    near = (1 - (place[..., None] - torch.arange(scale.n_mels)).abs()).clamp_min(0)
    level_db = (near @ harmonic_db).transpose(1, 2) - COMB_PEAK_DB
    heard = (frequency_hz < scale.maximum_hz)[:, None] & (level_db > _FAINTEST_DB)
    return db_to_amplitude(level_db) * heard


@lru_cache(maxsize=16)
def _seen_share(frames: int, scale: MelScale) -> Float[Tensor, " frames"]:
    """Share of each frame's window that lies after the onset at 0 s: 1/2 in the first frame."""
    window = torch.hann_window(scale.n_fft)
    starts = (scale.n_fft // 2 - torch.arange(frames) * scale.hop_length).clamp_min(0)
    after = window.flip(0).cumsum(0).flip(0) / window.sum()
    return after[starts]


def _note_generator(notes: Notes, index: int, salt: int) -> torch.Generator:
    """Noise of a note's own: the same in any batch, another one for any other note."""
    features = (notes.pitch, notes.velocity, notes.duration_s)
    numbers = (salt, *(round(float(x[index]) * 1000) for x in features))
    digest = hashlib.blake2b(repr(numbers).encode(), digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "little") >> 1)
