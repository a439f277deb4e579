"""Note sets out of SoundFonts: real recorded instruments, from a file that everyone can get.

    settings -> plan (which notes) -> render (workers: samples, wavs) -> examples.json

A set's folder also holds `soundfont.toml`: the settings and the font's hash. A run that was
stopped is finished by the same call; another font or other settings want another folder.
"""

from __future__ import annotations

from concurrent.futures import Executor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from timbrel.data.claim import alone_in
from timbrel.data.notes.annotation import Entry, with_qualities
from timbrel.data.notes.nsynth_layout import example, split_folder, write_examples
from timbrel.data.soundfonts.font import check_claim, check_font, claim_of, crashed
from timbrel.data.soundfonts.gm_programs import Program, chosen_programs, gm_programs
from timbrel.data.soundfonts.plan import (
    PitchRange,
    PlannedNote,
    SoundFontSettings,
    SplitSettings,
    plan_notes,
)
from timbrel.data.soundfonts.rendering import Fate, font_programs, render_notes, start_worker
from timbrel.data.workers import each, worker_pool
from timbrel.errors import BadConfig, BadInput
from timbrel.files import replacing
from timbrel.progress import Progress

__all__ = [
    "PitchRange",
    "SoundFontReport",
    "SoundFontSettings",
    "SplitSettings",
    "gm_programs",
    "render_soundfont",
]

_CLAIM = "soundfont.toml"
_NOTES_A_TASK = 48


@dataclass(frozen=True)
class SoundFontReport:
    """What a set holds.

    Attributes:
        folder: the set.
        notes: written notes of each split.
        silent: notes left out because they lie beyond their program's range.
        clipped: notes whose peaks were clipped, of those written in this run.
        absent: programs that the font does not have.
    """

    folder: Path
    notes: dict[str, int]
    silent: int
    clipped: int
    absent: tuple[str, ...]


def render_soundfont(
    font: str | Path,
    out: str | Path,
    settings: SoundFontSettings | None = None,
    *,
    processes: int | None = None,
    progress: Progress | None = None,
) -> SoundFontReport:
    """Render a SoundFont to a note set with one `nsynth-{split}` folder a split.

    The samples depend only on the font and the settings, not on `processes` or on what was
    rendered before. 14,000 notes of 4 s take about a minute on two cores.

    Args:
        font: an .sf2 or .sf3 file.
        out: folder of the set.
        settings: which notes, and how.
        processes: how many render at once; None for one a core, 0 for none but this.
        progress: told how many notes are done.

    Raises:
        BadInput: the font cannot be read, the folder holds another set, or another process is at
            work there.
        MissingExtra: tinysoundfont is not installed.
    """
    settings = settings or SoundFontSettings()
    font, out = check_font(Path(font)), Path(out)
    claim = claim_of(font, settings)
    check_claim(out / _CLAIM, claim)
    if not (out / _CLAIM).exists() and any(out.glob("nsynth-*")):
        raise BadInput(f"{out} holds a set that is not from a SoundFont: choose another folder")
    with alone_in(out), worker_pool(processes, start_worker, (font, settings)) as pool:
        try:
            there = pool.submit(font_programs).result()
            programs, absent = _present(settings, there, font)
            notes = plan_notes(settings, programs)
            if not notes:
                raise BadConfig("these settings plan no note: widen pitches, velocities, programs")
            _begin(out, claim)
            fates = _rendered(pool, notes, out, progress)
        except BrokenProcessPool:
            raise crashed(font) from None
        counts = _finish(pool, out, fates, settings, progress)
    silent, clipped = (list(fates.values()).count(fate) for fate in (Fate.SILENT, Fate.CLIPPED))
    return SoundFontReport(out, counts, silent, clipped, absent)


def _rendered(
    pool: Executor,
    notes: tuple[PlannedNote, ...],
    out: Path,
    progress: Progress | None,
) -> dict[PlannedNote, Fate]:
    tasks = [list(notes[i : i + _NOTES_A_TASK]) for i in range(0, len(notes), _NOTES_A_TASK)]
    fates: dict[PlannedNote, Fate] = {}
    for result in each(pool, partial(render_notes, out=out), tasks):
        fates.update(result)
        if progress:
            progress("rendering", len(fates), len(notes))
    return fates


def _present(
    settings: SoundFontSettings, there: tuple[int, ...], font: Path
) -> tuple[tuple[Program, ...], tuple[str, ...]]:
    """The programs to render, and the names of those that the font does not have."""
    wanted = chosen_programs(settings.programs, settings.families)
    absent = tuple(f"{p.number} {p.name}" for p in wanted if p.number not in there)
    if settings.programs is not None and absent:
        raise BadInput(f"{font} has no program {absent[0]}: leave it out of `programs`")
    programs = tuple(program for program in wanted if program.number in there)
    if not programs:
        raise BadInput(f"{font} has none of the wanted programs in bank {settings.bank}")
    return programs, absent


def _begin(out: Path, claim: str) -> None:
    """Claim the folder, and clear away what a killed run had only begun to write."""
    with replacing(out / _CLAIM) as temporary:
        temporary.write_text(claim, encoding="utf-8")
    for unfinished in out.glob("nsynth-*/audio/.*.wav"):
        unfinished.unlink()


def _finish(
    pool: Executor,
    out: Path,
    fates: dict[PlannedNote, Fate],
    settings: SoundFontSettings,
    progress: Progress | None,
) -> dict[str, int]:
    """Write each split's `examples.json`; how many notes each has."""
    counts: dict[str, int] = {}
    for split in settings.splits:
        entries = [
            _entry(note, settings)
            for note, fate in fates.items()
            if note.split == split and fate is not Fate.SILENT
        ]
        counts[split] = len(entries)
        if entries:
            home = split_folder(out, split)
            write_examples(home, with_qualities(pool, home, entries, progress))
    return counts


def _entry(note: PlannedNote, settings: SoundFontSettings) -> Entry:
    return example(
        note.note_str,
        note.program.instrument_str,
        note.program.number,
        family=note.program.family or "unknown",
        source=note.program.source,
        pitch=note.pitch,
        velocity=note.velocity,
        sample_rate=settings.sample_rate,
        hold_s=settings.hold_s if note.hold_s is None else note.hold_s,
    )
