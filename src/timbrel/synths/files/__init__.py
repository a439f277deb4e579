"""Files of patches, of whatever synthesizer.

doors    any of the `formats`, told apart by what is in them
meaning  programs of plug-ins as patches, and back
knobs    the knobs of synthesizers whose names stand in files
"""

from timbrel.synths.files.doors import (
    FACTORY,
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
from timbrel.synths.files.knobs import parameters_of
from timbrel.synths.formats.checking import changed, checksum
from timbrel.synths.formats.program import Program

__all__ = [
    "FACTORY",
    "PATCH_SUFFIXES",
    "Program",
    "changed",
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
