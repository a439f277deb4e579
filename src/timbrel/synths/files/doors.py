"""Files of patches, told apart by what is in them; written by their suffix, whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from timbrel.errors import BadPatch
from timbrel.files import replacing, unreadable
from timbrel.synths.files.knobs import parameters_of
from timbrel.synths.files.meaning import patches_of, programs_of
from timbrel.synths.formats import amsynth, fxp
from timbrel.synths.formats.checking import legal_patch
from timbrel.synths.formats.file_bytes import in_file, read_file
from timbrel.synths.formats.program import Program
from timbrel.synths.formats.readable import KnobsOf, read_readable, readable_text
from timbrel.synths.formats.vital import read_vital, with_names
from timbrel.synths.patch import Patch
from timbrel.synths.registry import load_synth
from timbrel.synths.synth import Synth
from timbrel.synths.vital import Vital

PATCH_SUFFIXES = (".fxp", ".fxb", ".bank", ".vital", ".toml")
"""Of files that hold patches."""

FACTORY = "factory"
"""All banks that come with a synthesizer, by one word."""

_OWN_SUFFIXES = {"subtractive": (".toml",), "vital": (".vital",)}


def read_patches(path: str | Path, synth: Synth | None = None) -> list[Patch]:
    """The patches in a file: .fxp, .fxb, a bank of amsynth, .vital or .toml.

    Args:
        path: of the file.
        synth: whose patches they must be. It is needed for plug-ins that timbrel does not know.

    Raises:
        BadPatch: the file is missing, truncated, too large, of another synthesizer, or says what
            its synthesizer does not know.
    """
    path = Path(path)

    def read(data: bytes) -> list[Patch]:
        found = _parsed(path, data, synth)
        if not found:
            raise BadPatch("holds no patch")
        for patch in found:
            _require_of(patch, synth)
        return found

    return read_file(path, read)


def read_patch(path: str | Path, synth: Synth | None = None) -> Patch:
    """The patch in a file of one.

    Args:
        path: of the file.
        synth: whose patch it must be.

    Raises:
        BadPatch: as `read_patches`, or it holds several.
    """
    patches = read_patches(path, synth)
    if len(patches) > 1:
        raise BadPatch(f"{path} holds {len(patches)} patches: give a file of the one that is meant")
    return patches[0]


def own_suffixes(synth: str) -> tuple[str, ...]:
    """Of the files that a synthesizer's patch is written to: what it loads, and what is readable.

    >>> own_suffixes("amsynth"), own_suffixes("vital")
    (('.fxp', '.toml'), ('.vital',))
    """
    return _OWN_SUFFIXES.get(synth, (".fxp", ".toml"))


def read_banks(banks: Sequence[str], synth: Synth) -> list[tuple[str, list[Patch]]]:
    """Banks by their names, and the patches in each.

    Args:
        banks: files of patches, or folders of such files; "factory" is all that come with the
            synthesizer.
        synth: whose they are.

    Raises:
        BadInput: those that come with it are not installed.
        BadPatch: as `read_patches`, or a folder holds no such file.
    """
    found: list[tuple[str, list[Patch]]] = []
    for bank in banks:
        if not bank.strip():
            raise BadPatch("a bank's name is empty: give a file of patches, or a folder")
        if bank == FACTORY:
            found += synth.factory_banks()
        else:
            files = patch_files(Path(bank))
            if not files:
                raise BadPatch(f"{bank} holds no file of patches ({', '.join(PATCH_SUFFIXES)})")
            found += [(file.stem, read_patches(file, synth)) for file in files]
    return found


def patch_files(place: Path) -> list[Path]:
    """A file itself, or all files of patches in a folder and below.

    Raises:
        BadPatch: the folder cannot be read.
    """
    if not place.is_dir():
        return [place]
    try:
        next(place.iterdir(), None)  # rglob says nothing
    except OSError as error:
        raise BadPatch(unreadable(place, error, "give another folder")) from None
    return sorted(f for f in place.rglob("*") if f.suffix.lower() in PATCH_SUFFIXES and f.is_file())


def read_programs(path: str | Path) -> list[Program]:
    """What an .fxp or .fxb holds, of whatever plug-in.

    Raises:
        BadPatch: as `read_patches`.
    """
    return read_file(Path(path), fxp.read_programs)


def write_patch(path: str | Path, patch: Patch, synth: Synth | None = None) -> None:
    """One patch in a file of its own; see `write_patches`."""
    write_patches(path, [patch], synth)


def write_patches(path: str | Path, patches: Sequence[Patch], synth: Synth | None = None) -> None:
    """Patches as .fxb, .bank or .toml; one patch as .fxp or .vital too.

    Args:
        path: its suffix says which.
        patches: what is written.
        synth: whose they are: needed for plug-ins, and for .vital.

    Raises:
        BadPatch: the suffix is none of these, or does not fit the synthesizer or their number; or
            a patch is of another synthesizer, says what its own does not know, or what no file can
            hold.
        BadInput: the file cannot be written.
    """
    path = Path(path)
    if not patches:
        raise BadPatch(f"{path}: no patches to write")
    if path.suffix.lower() in (".fxp", ".vital") and len(patches) > 1:
        raise BadPatch(f"{path}: {len(patches)} patches for a file that holds one: give a folder")
    knobs_of = _knobs_of(synth)
    with in_file(path):
        for patch in patches:
            _require_of(patch, synth)
        patches = [legal_patch(patch, knobs_of(patch.synth)) for patch in patches]
        data = _bytes(path, patches, synth)
    with replacing(path) as unfinished:
        unfinished.write_bytes(data)


def _knobs_of(synth: Synth | None) -> KnobsOf:
    """What knows the knobs of synthesizers; of the one that was named, its own."""
    known = {} if synth is None else {synth.name: synth.parameters}
    return lambda name: known.get(name) or parameters_of(name)


def _require_of(patch: Patch, synth: Synth | None) -> None:
    if synth is not None and patch.synth != synth.name:
        raise BadPatch(f"patch {patch.name!r:.60} is of {patch.synth}, wanted {synth.name}")


def _parsed(path: Path, data: bytes, synth: Synth | None) -> list[Patch]:
    if data.startswith(fxp.MAGIC):
        return patches_of(fxp.read_programs(data), path, synth)
    if data.startswith(amsynth.MAGIC):
        return amsynth.read_bank(data)
    suffix = path.suffix.lower()
    if suffix == ".toml":
        return read_readable(data, _knobs_of(synth))
    if suffix == ".vital" or data.lstrip()[:1] == b"{":
        return read_vital(data, _knobs_of(synth))
    if suffix in (".fxp", ".fxb"):
        return patches_of(fxp.read_programs(data), path, synth)  # says what is wrong
    if suffix == ".bank":
        return amsynth.read_bank(data)
    raise BadPatch(f"is no file of patches: wanted {', '.join(PATCH_SUFFIXES)}")


def _bytes(path: Path, patches: Sequence[Patch], synth: Synth | None) -> bytes:
    suffix = path.suffix.lower()
    if suffix == ".fxp":
        return fxp.program_bytes(programs_of(patches, synth, as_chunk=True)[0])
    if suffix == ".fxb":
        return fxp.bank_bytes(programs_of(patches, synth, as_chunk=False))
    if suffix == ".toml":
        return readable_text(patches, _knobs_of(synth))
    if suffix == ".bank":
        programs_of(patches, None, as_chunk=False)  # they are amsynth's, or that is said
        return amsynth.bank_text(patches)
    if suffix == ".vital":
        return _vital_bytes(patches[0], synth)
    raise BadPatch(f"ends in {suffix!r}: end it in {', '.join(PATCH_SUFFIXES)}")


def _vital_bytes(patch: Patch, synth: Synth | None) -> bytes:
    if patch.synth != "vital":
        raise BadPatch(f"patch {patch.name!r} is of {patch.synth}, not of vital: write .toml")
    vital = synth if isinstance(synth, Vital) else load_synth("vital")
    assert isinstance(vital, Vital)
    return with_names(vital.preset(patch.values), patch)
