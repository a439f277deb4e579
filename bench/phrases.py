"""Whether phrases out of a SoundFont sound as they were planned, and the light tracker hears that.

Judged are frames in which a key is down and that lie less than 50 dB under the phrase's loudest.
`right` is the share within 50 cents of the plan, `octave` the share that is an octave or two or a
twelfth off, `sure` the share with a confidence of 0.85, `sure_right` the share of these that is
right; `settled_right` leaves out what is within 0.1 s of a key's going down. FluidR3Mono comes from
where `bench/soundfont.py` has it.
"""

from __future__ import annotations

import numpy as np
from _bench import Bench, fluid_r3, run

from timbrel.data.phrases.plan import Phrase, PhraseSettings, plan_phrases
from timbrel.data.phrases.rendering import PhrasePlayer, pitch_at
from timbrel.data.soundfonts.gm_programs import gm_programs
from timbrel.dsp.listening import FRAME_RATE, follow
from timbrel.units import hz_to_midi

NAMES = ("guitar", "violin", "cello", "flute", "clarinet", "trumpet", "alto_sax", "oohs")
SURE, QUIET_DB, SETTLED_S = 0.85, 50.0, 0.1
OFF = np.array([12.0, 19.02, 24.0])


def measure(bench: Bench) -> dict[str, float]:
    programs = {program.short_name: program for program in gm_programs()}
    figures: dict[str, float] = {}
    for name in NAMES:
        bench.note(name)
        settings = PhraseSettings(programs=(name,), minutes=0.5 if bench.quick else 4.0)
        player = PhrasePlayer(fluid_r3(), settings)
        phrases = plan_phrases(settings, programs[name])
        heard = [judged(player, phrase) for phrase in phrases]
        errors, confidence, since_s = (np.concatenate(of) for of in zip(*heard, strict=True))
        right, sure = np.abs(errors) < 0.5, confidence >= SURE
        octave = (np.abs(np.abs(errors)[:, None] - OFF) < 0.6).any(1)
        figures |= {
            f"{name}_right": float(right.mean()),
            f"{name}_octave": float(octave.mean()),
            f"{name}_sure": float(sure.mean()),
            f"{name}_sure_right": float(right[sure].mean()),
            f"{name}_settled_right": float(right[since_s >= SETTLED_S].mean()),
            f"{name}_off_cents": float(100 * np.median(errors[right])),
        }
    return figures


def judged(player: PhrasePlayer, phrase: Phrase) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Semitones off the plan (99 where no pitch was found), confidence, time since the onset."""
    melody = follow(player.play(phrase), player.settings.sample_rate)
    time_s = np.arange(len(melody.f0_hz)) / FRAME_RATE
    wanted = pitch_at(phrase, time_s)
    loudness_db = melody.loudness_db.numpy()
    is_judged = ~np.isnan(wanted) & (loudness_db > loudness_db.max() - QUIET_DB)
    found = melody.f0_hz.numpy() > 0
    pitch = hz_to_midi(melody.f0_hz.clamp_min(1.0)).numpy()
    errors = np.where(found, pitch - wanted, 99.0)[is_judged]
    onsets_s = np.array([note.onset_s for note in phrase.notes])
    since_s = time_s - onsets_s[np.searchsorted(onsets_s, time_s, side="right") - 1]
    return errors, melody.confidence.numpy()[is_judged], since_s[is_judged]


if __name__ == "__main__":
    run("phrases", measure)
