"""Melodies followed by every ddsp instrument: whether they stay the melodies, and become its sound.

Each recording is followed by each model called ddsp-... (`ddsp-many` by three of its sounds), or by
those named in `--models`. Real recordings are those in `--recordings DIR`; without it, phrases of a
choir and a trumpet out of another SoundFont than the one trained on.

Keys, NAME being the instrument, each a mean over the recordings, and without a name the worst of
all, of gains the mean:

- `NAME_f0_median_cents`: how far the result's pitch is from the recording's, octaves taken out, by
  SwiftF0, which no model is conditioned by.
- `NAME_loudness_correlation`: of A-weighted loudness in dB, its upper 40 dB.
- `NAME_wmfcc`, `NAME_wmfcc_recording`: warped MFCC distance of what is held, of the result and of
  the recording, to the instrument's own notes at the same pitches (FluidR3Mono's, velocity 85);
  `NAME_timbre_gain` is by how much, as a share, the result is nearer.
- `NAME_judged`, `NAME_judged_recording`: share of what is held that a judge takes for the
  instrument; it was shown real phrases of all of them (`judge_accuracy`, balanced, on phrases that
  it had not heard).

`chords_doubted` and `lines_doubted` are the shares of chords of two to four notes and of single
lines of another SoundFont in which several notes are said to sound at once, or no pitch.
"""

from __future__ import annotations

import argparse
import math
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from _bench import Bench, fluid_r3, run
from _notes import FOREIGN_FONT, FontNote, FontNotes

if TYPE_CHECKING:
    from torch import Tensor

    from timbrel.cli.play.targets import Target
    from timbrel.perform.transferring import Transferred
    from timbrel.sound import Performance

RATE = 16000
PROGRAMS = {"sax": "alto_sax", "voice": "oohs"}
"""Instruments that are called otherwise in General MIDI."""

HELD_S, WINDOW_S = 0.15, 0.12
"""What is held so long is judged, a window of it."""

MOST_STRETCHES = 24
CHORDS = ((0, 4), (0, 7), (0, 3), (0, 4, 7), (0, 3, 7), (0, 5, 9), (0, 4, 7, 10))
SINGERS = ("oohs", "trumpet")


@dataclass(frozen=True)
class Stretch:
    """What is held at one pitch."""

    pitch: float
    audio: Tensor


def measure(bench: Bench) -> dict[str, float]:
    targets = dict(find_targets(bench.arguments.models))
    if not targets:
        raise SystemExit("no ddsp models: train them, or name their folders with --models")
    programs = {name: program_of(name, target) for name, target in targets.items()}
    judge = Judge(sorted(set(programs.values())), 0.5 if bench.quick else 2.0)
    figures: dict[str, float] = {}
    rows: dict[str, list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        recordings = recordings_of(bench, Path(folder))
        for name, target in targets.items():
            rows[name] = [
                judge_transfer(bench, recording, target, programs[name], judge)
                for recording in recordings
            ]
            bench.note(f"{name} followed {len(recordings)} recordings")
            figures |= {f"{name}_{key}": value for key, value in means(rows[name]).items()}
    every = [row for group in rows.values() for row in group]
    figures["f0_median_cents"] = max(row["f0_median_cents"] for row in every)
    figures["loudness_correlation"] = min(row["loudness_correlation"] for row in every)
    for key in ("timbre_gain", "judged", "judged_recording"):
        figures[key] = means(every)[key]
    figures["judge_accuracy"] = judge.accuracy()
    return figures | doubted(bench)


def find_targets(folders: Sequence[Path]) -> Iterator[tuple[str, Target]]:
    """Instruments by what they are called; of one that knows many, three."""
    from timbrel.cli.play.targets import FOLLOWING, open_target
    from timbrel.instruments import models

    for model in map(str, folders or sorted(n for n in models() if n.startswith(FOLLOWING))):
        target = open_target(model)
        name = Path(model).name if Path(model).name != "model" else Path(model).parent.name
        name = name.removeprefix(FOLLOWING)
        sounds = target.instrument.bank.names("sound") if target.instrument.bank else ()
        if len(sounds) <= 1:
            yield name, target
            continue
        for sound in sounds[:: math.ceil(len(sounds) / 3)]:
            yield f"{name}_{sound}", open_target(model, sound)


def program_of(name: str, target: Target) -> str:
    """The General MIDI program of an instrument."""
    from timbrel.data.soundfonts.gm_programs import gm_programs

    sounds = target.instrument.bank.names("sound") if target.instrument.bank else ()
    known = {program.short_name for program in gm_programs()}
    for word in (name, target.name, *sounds[:1], name.partition("_")[2], target.name):
        if PROGRAMS.get(word, word) in known:
            return PROGRAMS.get(word, word)
    raise SystemExit(f"no General MIDI program is called {name}: rename its model folder")


def recordings_of(bench: Bench, folder: Path) -> list[Path]:
    """The files to be followed, those of one note left out; the first seconds in a quick run."""
    from timbrel.audio import read_audio, write_audio

    given = bench.arguments.recordings
    paths = sorted(given.iterdir()) if given else list(phrases_sung(folder))
    paths = [p for p in paths if p.suffix in (".wav", ".ogg", ".flac") and is_melody(p)]
    if not bench.quick:
        return paths
    return [
        write_audio(folder / f"{path.stem}.wav", read_audio(path, 48000)[: 4 * 48000], 48000)
        for path in paths[:2]
    ]


def is_melody(path: Path) -> bool:
    """Whether it has three notes or more."""
    from timbrel.audio import read_audio
    from timbrel.dsp.listening import follow

    audio = read_audio(path, RATE)
    return len({round(s.pitch) for s in stretches(audio, follow(audio, RATE))}) >= 3


def phrases_sung(folder: Path) -> Iterator[Path]:
    from timbrel.audio import write_audio

    for name in SINGERS:
        for number, audio in enumerate(phrases(other_font(), name, 0.2, seed=7)):
            yield write_audio(folder / f"{name}_{number}.wav", audio, 48000)


def other_font() -> Path:
    """Another SoundFont than the one trained on, where there is one."""
    return FOREIGN_FONT if FOREIGN_FONT.is_file() else fluid_r3()


def phrases(font: Path, program: str, minutes: float, seed: int) -> Iterator[Tensor]:
    """Melodies of a program, at 48 kHz."""
    from timbrel.data.phrases.plan import PhraseSettings, plan_phrases
    from timbrel.data.phrases.rendering import PhrasePlayer
    from timbrel.data.soundfonts.gm_programs import gm_programs

    settings = PhraseSettings(programs=(program,), minutes=minutes, seed=seed)
    known = {p.short_name: p for p in gm_programs()}
    player = PhrasePlayer(font, settings)
    for phrase in plan_phrases(settings, known[program]):
        yield player.play(phrase)


def judge_transfer(
    bench: Bench, recording: Path, target: Target, program: str, judge: Judge
) -> dict[str, float]:
    from timbrel.audio import read_audio
    from timbrel.perform.transferring import transfer

    with tempfile.TemporaryDirectory() as folder:
        made = transfer(recording, target.instrument, target.timbre, Path(folder) / "out.wav")
        sounds = [read_audio(path, RATE) for path in (made.path, recording)]
    held = [stretches(sound, curves(sound)) for sound in sounds]
    near = [nearness(each, program, bench) for each in held]
    return {
        "f0_median_cents": pitch_error_cents(*sounds, made),
        "loudness_correlation": loudness_correlation(*sounds),
        "wmfcc": near[0],
        "wmfcc_recording": near[1],
        "timbre_gain": 1 - near[0] / near[1],
        "judged": judge.share(program, held[0]),
        "judged_recording": judge.share(program, held[1]),
    }


def curves(audio: Tensor) -> Performance:
    from timbrel.dsp.listening import follow

    return follow(audio, RATE)


def pitch_error_cents(result: Tensor, recording: Tensor, made: Transferred) -> float:
    """Median over the frames that are sure in both."""
    from timbrel.dsp.pitch import track_pitch

    ours, theirs = (track_pitch(sound, RATE) for sound in (result, recording))
    count = min(len(ours.f0_hz), len(theirs.f0_hz))
    sure = (ours.confidence[:count] > 0.8) & (theirs.confidence[:count] > 0.8)
    ratio = ours.f0_hz[:count] / (theirs.f0_hz[:count] * made.fit.ratio)
    return float(1200 * ratio[sure].log2().abs().median())


def loudness_correlation(result: Tensor, recording: Tensor) -> float:
    import torch

    levels = [curves(sound).loudness_db for sound in (result, recording)]
    count = min(map(len, levels))
    shown = [level[:count].clamp_min(float(level.quantile(0.98)) - 40) for level in levels]
    return float(torch.corrcoef(torch.stack(shown))[0, 1])


def stretches(audio: Tensor, heard: Performance) -> list[Stretch]:
    """What is held within half a semitone and 20 dB of the loudest for `HELD_S`, at most 1 s."""
    from timbrel.units import hz_to_midi

    pitch = hz_to_midi(heard.f0_hz.clamp_min(1.0))
    top_db = float(heard.loudness_db.quantile(0.98))
    is_sure = (heard.confidence > 0.8) & (heard.loudness_db > top_db - 20)
    found, begin = [], 0
    for frame in range(1, len(pitch) + 1):
        held = frame < len(pitch) and bool(is_sure[frame] & is_sure[begin])
        held = held and abs(float(pitch[frame] - pitch[begin:frame].median())) < 0.5
        if held and frame - begin < heard.frame_rate:
            continue
        if frame - begin >= HELD_S * heard.frame_rate:
            samples = slice(*(round(f * RATE / heard.frame_rate) for f in (begin, frame)))
            found.append(Stretch(float(pitch[begin:frame].median()), audio[samples]))
        begin = frame
    return found


def nearness(held: Sequence[Stretch], program: str, bench: Bench) -> float:
    """Mean wMFCC distance to the program's notes at the same pitches."""
    from timbrel.dsp.distances import wmfcc

    step = math.ceil(len(held) / (6 if bench.quick else MOST_STRETCHES))
    distances = []
    for stretch in held[:: max(step, 1)]:
        note = note_of(program, round(stretch.pitch))
        if note is not None:
            distances.append(wmfcc(stretch.audio, note[: len(stretch.audio)], RATE))
    return statistics.fmean(distances) if distances else math.nan


_fonts: dict[Path, FontNotes] = {}


def note_of(program: str, pitch: int, font: Path | None = None) -> Tensor | None:
    """A note of FluidR3Mono at `RATE`, from just after its attack; None where it has none."""
    from timbrel.data.soundfonts.gm_programs import gm_programs

    font = font or fluid_r3()
    numbers = {p.short_name: p.number for p in gm_programs()}
    notes = _fonts.setdefault(font, FontNotes(font))
    audio = notes.audio(FontNote(numbers[program], pitch, hold_s=1.2))
    return None if audio is None else audio[round(0.05 * RATE) :]


class Judge:
    """Which of some programs a sound is taken for, after real phrases of each."""

    def __init__(self, programs: Sequence[str], minutes: float) -> None:
        import torch

        from timbrel.audio import resample
        from timbrel.evaluate.sources import SourceJudge

        self._programs = programs
        shown: list[Stretch] = []
        labels, self._groups = [], []
        for program in programs:
            for number, audio in enumerate(phrases(fluid_r3(), program, minutes, seed=11)):
                sound = resample(audio, 48000, RATE)
                held = stretches(sound, curves(sound))
                shown += held
                labels += [program] * len(held)
                self._groups += [f"{program} {number}"] * len(held)
        pitch = torch.tensor([s.pitch for s in shown])
        self._judge = SourceJudge(windows(shown), pitch, labels)

    def share(self, program: str, held: Sequence[Stretch]) -> float:
        """Of some stretches, those that are taken for the program."""
        import torch

        if not held:
            return math.nan
        pitch = torch.tensor([s.pitch for s in held])
        amounts = [self._judge.amount(name, windows(held), pitch) for name in self._programs]
        told = torch.stack(amounts).argmax(0)
        return float((told == self._programs.index(program)).float().mean())

    def accuracy(self) -> float:
        """Balanced share of real stretches told rightly, each by a judge without its phrase."""
        if len(self._programs) < 2:
            return math.nan
        return statistics.fmean(self._judge.accuracy(p, self._groups) for p in self._programs)


def windows(held: Sequence[Stretch]) -> Tensor:
    """The middle of each stretch."""
    import torch

    count = round(WINDOW_S * RATE)
    begins = [(len(s.audio) - count) // 2 for s in held]
    return torch.stack(
        [s.audio[begin : begin + count].float() for s, begin in zip(held, begins, strict=True)]
    )


def doubted(bench: Bench) -> dict[str, float]:
    """How often several notes are said to sound at once: of chords, and of lines."""
    import torch

    from timbrel.audio import AudioBlocks, write_audio
    from timbrel.perform.hearing import hear_recording

    programs = ("violin", "flute", "guitar", "trumpet", "alto_sax", "oohs", "piano", "clarinet")
    programs = programs[:3] if bench.quick else programs
    told: dict[str, list[bool]] = {"chords_doubted": [], "lines_doubted": []}
    with tempfile.TemporaryDirectory() as folder:

        def is_doubted(audio: Tensor, rate: int) -> bool:
            path = write_audio(Path(folder) / "sound.wav", audio, rate)
            return bool(hear_recording(AudioBlocks(path)).doubt)

        for program in programs:
            for line in phrases(other_font(), program, 0.4, seed=5):
                told["lines_doubted"].append(is_doubted(line, 48000))
            for number, chord in enumerate(CHORDS):
                notes = [note_of(program, 58 + 2 * number + step, other_font()) for step in chord]
                sounds = [note[: 2 * RATE] for note in notes if note is not None]
                if len(sounds) == len(chord):
                    told["chords_doubted"].append(is_doubted(torch.stack(sounds).mean(0), RATE))
    return {name: statistics.fmean(each) for name, each in told.items()} | {
        "chords": len(told["chords_doubted"]), "lines": len(told["lines_doubted"])
    }  # fmt: skip


def means(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    from timbrel.evaluate.comparison import means as of_columns

    return of_columns(rows)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--recordings", type=Path, help="folder of recordings to be followed")
    parser.add_argument("--models", type=Path, nargs="+", default=(), help="model folders")


if __name__ == "__main__":
    run("transfer", measure, add_arguments=add_arguments)
