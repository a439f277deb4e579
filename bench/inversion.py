"""Mel -> audio: timbrel's three ways and librosa's Griffin-Lim (32 rounds), on the same real notes.

The notes are FluidR3Mono's: other programs, pitches and velocities each, 4 s at 16 kHz. The pitched
way is told the note's nominal pitch and nothing else. `speed_ratio` is librosa's time over ours,
`convergence_gain_db` how much lower our error of the STFT magnitudes is, `pitch_accuracy` the share
of loud frames within 50 cents by pYIN, over the notes whose recording itself is heard at its label
(`pitch_accuracy_real` >= 0.9; octave drawbars and bells are not). All ways take turns note by note,
so a busy machine slows all alike.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from _bench import Bench, fluid_r3, run

if TYPE_CHECKING:
    from torch import Tensor

    from timbrel.dsp.mel import MelScale

DEFAULT = "pitched"
TRACKED = 0.9
"""Share of a recording's frames that must be heard at its label for its pitch to count."""

WAYS = ("pitched", "pghi", "griffin_lim", "librosa")


def measure(bench: Bench) -> dict[str, float]:
    import torch

    from timbrel.dsp.distances import log_mel_l1_db, mss_db, pitch_accuracy, spectral_convergence_db
    from timbrel.dsp.mel import MelScale

    scale = MelScale()
    notes = real_notes(6 if bench.quick else 40)
    bench.note(f"{len(notes)} notes")
    for way in WAYS:
        invert(way, notes[0][0][:8000], notes[0][1], scale)  # compiled once, before the clock
    sums = {way: {"ms": 0.0, "db": 0.0, "mel": 0.0, "mss": 0.0, "pitch": 0.0} for way in WAYS}
    heard = [pitch_accuracy(audio, scale.sample_rate, pitch) for audio, pitch in notes]
    tracked = sum(share >= TRACKED for share in heard)
    for (audio, pitch), share in zip(notes, heard, strict=True):
        for way, total in sums.items():
            again, seconds = invert(way, audio, pitch, scale)
            got = {
                "ms": 1e3 * seconds,
                "db": spectral_convergence_db(again, audio).item(),
                "mel": log_mel_l1_db(again, audio).item(),
                "mss": mss_db(again, audio, scale.sample_rate).item(),
            }
            for key, value in got.items():
                total[key] += value / len(notes)
            if share >= TRACKED:
                total["pitch"] += pitch_accuracy(again, scale.sample_rate, pitch) / tracked
    figures: dict[str, float] = {
        "notes": len(notes),
        "notes_tracked": tracked,
        "threads": torch.get_num_threads(),
    }
    for way, total in sums.items():
        figures |= figures_of(total, sums["librosa"], f"_{way}")
    default = figures_of(sums[DEFAULT], sums["librosa"], "")
    real = sum(share for share in heard if share >= TRACKED) / max(tracked, 1)
    return default | figures | {"pitch_accuracy_real": real}


def figures_of(total: dict[str, float], peer: dict[str, float], suffix: str) -> dict[str, float]:
    return {
        f"speed_ratio{suffix}": peer["ms"] / total["ms"],
        f"convergence_gain_db{suffix}": peer["db"] - total["db"],
        f"pitch_accuracy{suffix}": total["pitch"],
        f"log_mel_l1_db{suffix}": total["mel"],
        f"mss_db{suffix}": total["mss"],
        f"convergence_db{suffix}": total["db"],
        f"ms_per_note{suffix}": total["ms"],
    }


def invert(way: str, audio: Tensor, pitch: float, scale: MelScale) -> tuple[Tensor, float]:
    """The audio's mel as audio again, and the seconds that took."""
    import librosa
    import torch

    from timbrel.dsp.inversion import invert_mel
    from timbrel.dsp.mel import mel_power
    from timbrel.units import midi_to_hz

    power, length = mel_power(audio, scale), len(audio)
    f0_hz = torch.full(power.shape[-1:], midi_to_hz(float(pitch)))
    started = time.perf_counter()
    if way == "librosa":
        again = librosa.feature.inverse.mel_to_audio(
            power.numpy(), sr=scale.sample_rate, n_fft=scale.n_fft, hop_length=scale.hop_length,
            fmin=scale.minimum_hz, fmax=scale.maximum_hz, n_iter=32, length=length,
        )  # fmt: skip
        again = torch.from_numpy(again)
    else:
        again = invert_mel(power, scale, length=length, method=way, f0_hz=f0_hz)
    return again, time.perf_counter() - started


def real_notes(count: int) -> list[tuple[Tensor, float]]:
    """Audio and pitch of `count` notes, each of another program."""
    import torch

    from timbrel.config import make_settings
    from timbrel.data.soundfonts.gm_programs import gm_programs
    from timbrel.data.soundfonts.plan import PlannedNote
    from timbrel.data.soundfonts.rendering import FontPlayer
    from timbrel.data.soundfonts.soundfont import SoundFontSettings

    draw = random.Random(7)
    font = fluid_r3()
    player = FontPlayer(font, make_settings(SoundFontSettings, {}))
    programs = [p for p in gm_programs() if p.family is not None]
    notes = []
    for program in draw.sample(programs, min(count, len(programs))):
        pitch, velocity = draw.randint(36, 96), draw.choice((50, 85, 120))
        audio = torch.from_numpy(player.play(PlannedNote("train", program, pitch, velocity)).copy())
        if audio.abs().max() > 1e-3:
            notes.append((audio, float(pitch)))
    return notes


if __name__ == "__main__":
    run("inversion", measure, threads=1)
