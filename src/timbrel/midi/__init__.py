"""Scores: MIDI files as notes in seconds, and back; pedal, bends and tempo map applied."""

from timbrel.midi.events import Event, EventFile, parse_events, write_events
from timbrel.midi.programs import program_family, program_name, timbre_names
from timbrel.midi.reading import read_score
from timbrel.midi.score import Score, ScoreNote, Track
from timbrel.midi.writing import write_score

__all__ = [
    "Event",
    "EventFile",
    "Score",
    "ScoreNote",
    "Track",
    "parse_events",
    "program_family",
    "program_name",
    "read_score",
    "timbre_names",
    "write_events",
    "write_score",
]
