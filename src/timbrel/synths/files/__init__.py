"""Patch files, apart from any synthesizer: what is in them is looked at before anybody trusts it.

program  what a VST file holds: a name, and numbers or an opaque chunk
fxp      .fxp and .fxb, to programs and back
amsynth  the text of amsynth's banks
vital    .vital, JSON
readable .toml, ours
meaning  programs as patches of a synthesizer, and back
checking names, bounds and checksums
doors    files of any of these, by what is in them
"""

from timbrel.synths.files.checking import checksum, parameters_of
from timbrel.synths.files.doors import (
    PATCH_SUFFIXES,
    own_suffixes,
    patch_files,
    read_banks,
    read_patch,
    read_patches,
    read_programs,
    write_patch,
    write_patches,
)
from timbrel.synths.files.program import Program

__all__ = [
    "PATCH_SUFFIXES",
    "Program",
    "checksum",
    "own_suffixes",
    "parameters_of",
    "patch_files",
    "read_banks",
    "read_patch",
    "read_patches",
    "read_programs",
    "write_patch",
    "write_patches",
]
