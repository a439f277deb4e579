"""Pictures of sounds: waves, mel spectrograms, pitch, loudness, morphs, pads, songs, transfers."""

from timbrel.picture.canvas import sheet
from timbrel.picture.demos import draw_demo
from timbrel.picture.inspection import Curves, draw_sound
from timbrel.picture.melodies import draw_melody
from timbrel.picture.pads import draw_pad
from timbrel.picture.songs import draw_song, draw_song_row
from timbrel.picture.takes import draw_row, draw_takes
from timbrel.picture.transfers import draw_transfer

__all__ = [
    "Curves",
    "draw_demo",
    "draw_melody",
    "draw_pad",
    "draw_row",
    "draw_song",
    "draw_song_row",
    "draw_sound",
    "draw_takes",
    "draw_transfer",
    "sheet",
]
