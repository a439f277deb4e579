"""What `demo` makes: a morph, a blend and a song, and one picture of all three."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.audio import read_audio
from timbrel.cli.arguments import Note, Using
from timbrel.cli.output import progress_bar
from timbrel.cli.places import OUT, Place
from timbrel.cli.play.takes import Takes, play
from timbrel.cli.start.demo_song import compose
from timbrel.cli.timbres import Timbres, open_timbres
from timbrel.errors import BadInput
from timbrel.midi import read_score, write_score
from timbrel.perform import Part, perform, spread
from timbrel.timbre import morph

# Each is the first of these that the model knows.
_FROM = ("flute", "flutes")
_TO = ("guitar", "guitars", "piano")
_PLAIN = ("violin", "strings")
_BLENDS = ("violin + bright", "strings + bright", "strings")
_LEAD = ("flute", "flutes")
_HARP = ("harp", "guitar", "guitars")
_BASS = ("acoustic_bass", "bass", "basses")

_STEPS = 7
_FILES = ("morph.wav", "blend.wav", "song.wav", "song.mid", "demo.png")


def demonstrate(using: Using, out: Path | None) -> list[Path]:
    """Write the demo; its paths, the sounds first."""
    timbres = open_timbres(using)
    # Whoever asks for the demo where it always lies has named its files.
    chosen = frozenset(_FILES) if out is None else frozenset[str]()
    place = Place(OUT / "demo" if out is None else out, chosen=chosen)
    return place.fill(lambda folder: _write(timbres, folder))


def _write(timbres: Timbres, folder: Path) -> list[Path]:
    from timbrel.picture import draw_demo

    paths = morph_path, blend_path, song, midi, picture = [folder / name for name in _FILES]
    morphed, blended = _morph(timbres), _blend(timbres)
    morphed.write(folder, morph_path.name)
    blended.write(folder, blend_path.name)
    _song(timbres, write_score(midi, compose()), song)
    rate = timbres.instrument.sample_rate
    draw_demo(
        picture,
        (morphed.names, morphed.sounds),
        (blended.names, blended.sounds),
        (read_score(midi), read_audio(song, rate)),
        rate,
    )
    return paths


def _morph(timbres: Timbres) -> Takes:
    (a, start), (b, end) = _first(timbres, _FROM, 1), _first(timbres, _TO, 2)
    steps = morph(timbres.instrument.timbre_space, [start, end], _STEPS, "spherical")
    names = [a, *(f"{i / (_STEPS - 1):.2f}" for i in range(1, _STEPS - 1)), b]
    return play(timbres.instrument, steps, names, Note(duration=1.2), 60.0)


def _blend(timbres: Timbres) -> Takes:
    (plain, before), (blended, after) = _first(timbres, _PLAIN, 3), _first(timbres, _BLENDS, 4)
    both = torch.stack([before, after])
    return play(timbres.instrument, both, [plain, blended], Note(duration=1.8), 64.0)


def _song(timbres: Timbres, midi: Path, out: Path) -> None:
    score = read_score(midi)
    wanted = {"lead": _LEAD, "harp": _HARP, "bass": _BASS}
    parts = [
        Part(timbres.instrument, _first(timbres, wanted[track.name], 5 + i)[1])
        for i, track in enumerate(score.tracks)
    ]
    with progress_bar("playing") as progress:
        perform(score, spread(score, parts), out, progress=progress)


def _first(
    timbres: Timbres, wishes: Sequence[str], seed: int
) -> tuple[str, Float[Tensor, " params"]]:
    """The first wish that the model's names can fulfil, else a timbre that nobody recorded."""
    for wish in wishes:
        try:
            return wish.replace("_", " "), timbres.resolve(wish)
        except BadInput:
            continue
    generator = torch.Generator().manual_seed(seed)
    return f"sound {seed}", timbres.instrument.timbre_space.sample(1, generator=generator)[0]
