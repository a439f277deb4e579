"""Notes in time: what a MIDI file says once its ticks, pedals and wheels are worked out."""

from __future__ import annotations

from dataclasses import dataclass

from timbrel.midi.programs import program_name


@dataclass(frozen=True, slots=True)
class ScoreNote:
    """A note at its place in time.

    Attributes:
        pitch: MIDI number.
        velocity: how hard it is struck, 0..1.
        onset_s: from the start of the score.
        duration_s: until the key or the pedal lets it go.
        bend_semitones: the pitch wheel at 100 points a second from the onset, the last holding on;
            None where the wheel rests.
        gain_db: the channel's volume and expression at the onset, 0 where nobody touched them.
    """

    pitch: float
    velocity: float
    onset_s: float
    duration_s: float
    bend_semitones: tuple[float, ...] | None = None
    gain_db: float = 0.0

    @property
    def end_s(self) -> float:
        """When it is let go."""
        return self.onset_s + self.duration_s


@dataclass(frozen=True)
class Track:
    """Notes that one instrument plays: one track, channel and program of the file.

    Attributes:
        name: as the file has it, often empty.
        program: General MIDI number, 0..127.
        is_drum: whether it was on channel 10, whose pitches are drums.
        notes: by onset.
        pan: -1 left, 0 centre, 1 right.
        channel: 1..16.
    """

    name: str
    program: int
    is_drum: bool
    notes: tuple[ScoreNote, ...]
    pan: float = 0.0
    channel: int = 1

    @property
    def label(self) -> str:
        """Its name, or what General MIDI calls its program."""
        return self.name or ("Drums" if self.is_drum else program_name(self.program))


@dataclass(frozen=True)
class Score:
    """Tracks that play together."""

    tracks: tuple[Track, ...]

    @property
    def n_notes(self) -> int:
        """Notes in all tracks."""
        return sum(len(track.notes) for track in self.tracks)

    @property
    def duration_s(self) -> float:
        """When the last note is let go."""
        return max((note.end_s for track in self.tracks for note in track.notes), default=0.0)
