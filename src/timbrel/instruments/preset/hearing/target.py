"""The sound that a patch is looked for: from its onset, with its pitch."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from timbrel.audio import require_note
from timbrel.dsp.first_note import one_note, others_follow
from timbrel.dsp.onset import from_onset
from timbrel.dsp.pitch import note_pitch
from timbrel.errors import BadAudio
from timbrel.instruments.instrument import check_pitch
from timbrel.instruments.preset.hearing.heard import (
    N_SAMPLES,
    SAMPLE_RATE,
    Heard,
    hear,
    loudest_hz,
    pitch_heard,
)

TYPICAL_VELOCITY = 0.8
"""Of a sound that is heard: nobody wrote down how hard it was struck."""

UNPITCHED = 60.0
"""The key that noises and drums are played by."""


_MIDDLE_HZ = (200.0, 2000.0)
"""Where a sound is strongest whose pitch the spectra of 46 ms can tell."""


@dataclass(frozen=True)
class Target:
    """A sound to be matched.

    Attributes:
        audio: at 44.1 kHz, from its onset, four seconds at most.
        heard: what the networks hear of it.
        pitch: MIDI number of the key that it is to be played by.
        is_pitched: whether that was heard or given; if not it is `UNPITCHED`.
        is_cut: whether other notes followed, which are left out.
    """

    audio: Float[Tensor, " time"]
    heard: Heard
    pitch: float
    is_pitched: bool = True
    is_cut: bool = False

    @property
    def length_s(self) -> float:
        """How long it is."""
        return len(self.audio) / SAMPLE_RATE


def target_of(audio: Float[Tensor, " time"], pitch: float | None = None) -> Target:
    """A recording of one note, or of a drum, as a target.

    Args:
        audio: at 44.1 kHz.
        pitch: the key; by default what is heard. With a key given, everything is one note, however
            it moves; otherwise a second note is looked for and cut off.

    Raises:
        BadAudio: the sound is empty, silent or not finite.
        BadInput: `pitch` is no MIDI number.
    """
    whole = require_note(audio, SAMPLE_RATE)
    whole = whole - whole.mean()  # an offset is loud, and no part of a sound
    sound = one_note(whole, SAMPLE_RATE) if pitch is None else whole
    note = from_onset(sound, SAMPLE_RATE)[:N_SAMPLES]
    heard = hear(note[None])
    if pitch is not None:
        return Target(note, heard, check_pitch(pitch))
    found, is_cut = _key_of(note, heard), others_follow(sound, whole)
    return Target(note, heard, UNPITCHED if found is None else found, found is not None, is_cut)


def _key_of(note: Float[Tensor, " time"], heard: Heard) -> float | None:
    """The pitch of a note; None where there is none.

    What lies low or high is listened to by better means, which take 20 ms.
    """
    found, strongest_hz = pitch_heard(heard), loudest_hz(heard)
    is_low, is_high = strongest_hz < _MIDDLE_HZ[0], strongest_hz > _MIDDLE_HZ[1]
    if not is_low and not (is_high and found is not None):
        return found
    try:
        return note_pitch(note, SAMPLE_RATE)
    except BadAudio:
        return None
