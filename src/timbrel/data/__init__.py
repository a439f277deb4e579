"""Note sets: reading them, and making them from NSynth, SoundFonts and anybody's recordings."""

from timbrel.data.note_set import NoteRecord, NoteSet

__all__ = ["NoteRecord", "NoteSet"]
