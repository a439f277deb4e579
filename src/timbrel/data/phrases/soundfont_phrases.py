"""Phrase sets out of SoundFonts: an instrument's melodies to train on, for anybody, offline.

    out/violin/train/violin_0000.flac ...   valid/ ...   test/ ...
    out/phrases.toml                        the settings and the font's hash

A phrase set is a folder of audio: one instrument's, with splits in folders of their own or none.
What makes it need not be a font.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from timbrel.data.claim import alone_in
from timbrel.data.phrases.phrase_set import SETS
from timbrel.data.phrases.plan import Phrase, PhraseSettings, plan_phrases
from timbrel.data.phrases.rendering import render_phrase, start_worker
from timbrel.data.soundfonts.font import check_claim, check_font, claim_of, crashed
from timbrel.data.soundfonts.gm_programs import Program, gm_programs
from timbrel.data.workers import each, worker_pool
from timbrel.errors import BadConfig
from timbrel.files import replacing
from timbrel.progress import Progress

_ENDING = ".flac"


@dataclass(frozen=True)
class PhraseReport:
    """What a phrase set holds.

    Attributes:
        folder: the set.
        phrases: files of each split, of all instruments.
        minutes: of each instrument.
        silent: phrases left out because nothing was heard in them.
    """

    folder: Path
    phrases: dict[str, int]
    minutes: dict[str, float]
    silent: int


def render_phrases(
    font: str | Path,
    out: str | Path,
    settings: PhraseSettings | None = None,
    *,
    processes: int | None = None,
    progress: Progress | None = None,
) -> PhraseReport:
    """Have a SoundFont play melodies; a run that was stopped is finished by the same call.

    The samples depend only on the font and the settings. 15 minutes of an instrument at 48 kHz
    take about 20 s on one core.

    Args:
        font: an .sf2 or .sf3 file.
        out: folder of the set.
        settings: which instruments, and how much of each.
        processes: how many render at once; None for one a core, 0 for none but this.
        progress: told how many phrases are done.

    Raises:
        BadConfig: there is no such instrument, or none is named.
        BadInput: the font cannot be read, the folder holds another set, or another process is at
            work there.
        MissingExtra: tinysoundfont is not installed.
    """
    settings = settings or PhraseSettings()
    font, out = check_font(Path(font)), Path(out)
    planned = [p for program in _programs(settings) for p in plan_phrases(settings, program)]
    claim = claim_of(font, settings)
    check_claim(out / SETS, claim)
    with alone_in(out), worker_pool(processes, start_worker, (font, settings)) as pool:
        with replacing(out / SETS) as temporary:
            temporary.write_text(claim, encoding="utf-8")
        heard: list[Phrase] = []
        try:
            for count, (phrase, is_heard) in enumerate(each(pool, partial(_made, out), planned)):
                heard += [phrase] * is_heard
                if progress:
                    progress("rendering", count + 1, len(planned))
        except BrokenProcessPool:
            raise crashed(font) from None
    minutes: dict[str, float] = defaultdict(float)
    for phrase in heard:
        minutes[phrase.program.short_name] += phrase.duration_s / 60
    splits = Counter(phrase.split for phrase in heard)
    return PhraseReport(out, dict(splits), dict(minutes), len(planned) - len(heard))


def _programs(settings: PhraseSettings) -> list[Program]:
    known = {program.short_name: program for program in gm_programs()}
    if not settings.programs:
        raise BadConfig('programs = [] names no instrument: give one, as programs=["violin"]')
    for name in settings.programs:
        if name not in known:
            raise BadConfig(f"no General MIDI instrument is called {name!r}: such as violin, flute")
    return [known[name] for name in dict.fromkeys(settings.programs)]


def _made(out: Path, phrase: Phrase) -> tuple[Phrase, bool]:
    folder = out / phrase.program.short_name / phrase.split
    folder.mkdir(parents=True, exist_ok=True)
    return phrase, render_phrase(phrase, folder / f"{phrase.name}{_ENDING}")
