"""A note set as courses in memory: what the `harmonic` family is trained on.

Analysis takes some 30 ms a note; its result is kept beside the set, under a name that says which
notes and which analysis it is of, so it is made once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from safetensors.torch import load_file, save_file
from torch import Tensor

from timbrel.data.notes.note_set import NoteSet
from timbrel.data.workers import each, worker_pool
from timbrel.dsp.tracks.analysis import analyse
from timbrel.dsp.tracks.slots import Slots
from timbrel.files import replacing
from timbrel.instruments.harmonic.course import (
    Course,
    course_of,
    heard_moments,
    release_moments,
)
from timbrel.progress import Progress
from timbrel.training.levels import reference_db
from timbrel.units import midi_to_hz

VERSION = 4
"""Of what is kept on disk: raised when analysis or the moments change."""

_CHUNK = 24


class NoteCourses(NamedTuple):
    """The notes of a set at `heard_moments`, then at the moments after their own release.

    Attributes:
        course: of each note, as half floats, re its instrument's level.
        pitch: MIDI numbers.
        velocity: 0..1.
        hold_s: seconds that each key was held.
        instrument: number of each note's instrument.
    """

    course: Course
    pitch: Float[Tensor, " notes"]
    velocity: Float[Tensor, " notes"]
    hold_s: Float[Tensor, " notes"]
    instrument: Int[Tensor, " notes"]

    def course_at(self, places: Int[Tensor, " some"]) -> Course:
        """The courses of some notes, as floats."""
        return Course(*(levels[places].float() for levels in self.course))


def moments_of(
    hold_s: Float[Tensor, " notes"],
) -> tuple[Float[Tensor, "notes moments"], Float[Tensor, "notes moments"]]:
    """Seconds since the onset and since the release (negative before it) of all moments."""
    heard = heard_moments().expand(len(hold_s), -1)
    moment_s = torch.cat([heard, hold_s[:, None] + release_moments()], 1)
    return moment_s, moment_s - hold_s[:, None]


def note_courses(
    notes: NoteSet, slots: Slots, processes: int | None = None, progress: Progress | None = None
) -> NoteCourses:
    """The courses of all notes of a set: read from beside it, or analysed and written there.

    Args:
        notes: at the model's sample rate.
        slots: of the model.
        processes: that analyse; None is one a core.
        progress: told how many notes are analysed.
    """
    path = notes.folder / f"courses-{_key(notes, slots)}.safetensors"
    if not path.is_file():
        course = _analysed(notes, slots, processes, progress)
        with replacing(path) as temporary:
            save_file(course._asdict(), temporary)
    course = Course(**load_file(path))
    loudest = torch.maximum(course.partial_db.amax((1, 2)), course.noise_db.amax((1, 2))).float()
    level_db = reference_db(notes, loudest)[notes.instrument].half()[:, None, None]
    return NoteCourses(
        Course(*(levels - level_db for levels in course)),
        notes.pitch.float(),
        notes.velocity.float() / 127,
        notes.hold_s,
        notes.instrument,
    )


def _key(notes: NoteSet, slots: Slots) -> str:
    known = f"{VERSION}/{notes.sample_rate}/{slots.n_slots}/".encode()
    listing = (notes.folder / "examples.json").read_bytes()
    return hashlib.blake2b(known + listing, digest_size=8).hexdigest()


def _analysed(
    notes: NoteSet, slots: Slots, processes: int | None, progress: Progress | None
) -> Course:
    places = range(len(notes))
    chunks = [(notes.folder, slots, list(places[i : i + _CHUNK])) for i in places[::_CHUNK]]
    found: dict[int, Course] = {}
    with worker_pool(processes, torch.set_num_threads, (1,)) as pool:
        for first, course in each(pool, _analyse_chunk, chunks):
            found[first] = course
            if progress is not None:
                progress("analysing notes", min(len(found) * _CHUNK, len(notes)), len(notes))
    ordered = [found[first] for first in sorted(found)]
    return Course(*(torch.cat(levels) for levels in zip(*ordered, strict=True)))


_open_sets: dict[Path, NoteSet] = {}


def _analyse_chunk(task: tuple[Path, Slots, list[int]]) -> tuple[int, Course]:
    folder, slots, places = task
    if folder not in _open_sets:
        _open_sets[folder] = NoteSet.open(folder)
    notes = _open_sets[folder]
    courses = [_analyse_note(notes, slots, place) for place in places]
    return places[0], Course(*(torch.stack(levels).half() for levels in zip(*courses, strict=True)))


@torch.no_grad()
def _analyse_note(notes: NoteSet, slots: Slots, place: int) -> Course:
    f0_hz = midi_to_hz(float(notes.pitch[place]))
    audio = notes.audio(place, notes.sample_rate)
    tracks = analyse(audio, notes.sample_rate, f0_hz, burst=False)
    heard = course_of(tracks, slots, heard_moments())
    released = course_of(tracks, slots, notes.hold_s[place] + release_moments())
    return Course(*(torch.cat(levels) for levels in zip(heard, released, strict=True)))


def joined(sets: Sequence[NoteCourses]) -> NoteCourses:
    """Several sets as one; instruments of different sets stay different."""
    firsts = [0]
    for notes in sets[:-1]:
        firsts.append(firsts[-1] + int(notes.instrument.max()) + 1)
    return NoteCourses(
        Course(*(torch.cat(levels) for levels in zip(*(s.course for s in sets), strict=True))),
        torch.cat([s.pitch for s in sets]),
        torch.cat([s.velocity for s in sets]),
        torch.cat([s.hold_s for s in sets]),
        torch.cat([s.instrument + first for s, first in zip(sets, firsts, strict=True)]),
    )
