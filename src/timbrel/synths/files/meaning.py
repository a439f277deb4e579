"""Programs of VST plug-ins as patches of a synthesizer, and back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from timbrel.errors import BadPatch
from timbrel.synths.amsynth_knobs import amsynth_parameters
from timbrel.synths.formats import amsynth
from timbrel.synths.formats.checking import legal_values
from timbrel.synths.formats.program import Program, plain_name
from timbrel.synths.patch import Patch
from timbrel.synths.plugin import Plugin
from timbrel.synths.synth import Synth

AMSYNTH_ID = "amsy"


def patches_of(programs: Sequence[Program], path: Path, synth: Synth | None) -> list[Patch]:
    """What a synthesizer makes of programs.

    Args:
        programs: what is in the file.
        path: the file, for a plug-in that must read it itself.
        synth: whose they are; else found by the plug-in's id.

    Raises:
        BadPatch: they are of another synthesizer, or of one that is not known.
        SynthFailed: the plug-in that must read them cannot.
    """
    if isinstance(synth, Plugin):
        return [_of_plug_in(program, path, synth, len(programs)) for program in programs]
    if programs and synth is not None and synth.name != "amsynth":
        raise BadPatch(f"is of the plug-in {programs[0].plugin_id!r}, not of {synth.name}")
    return [patch for program in programs for patch in _of_amsynth(program)]


def programs_of(patches: Sequence[Patch], synth: Synth | None, *, as_chunk: bool) -> list[Program]:
    """Patches as programs: of amsynth, or of a plug-in whose id is known.

    Args:
        patches: of one synthesizer.
        synth: needed for any but amsynth.
        as_chunk: keep what amsynth itself would, every number as it is.

    Raises:
        BadPatch: the synthesizer is no VST plug-in that is known.
    """
    if isinstance(synth, Plugin) and synth.plugin_id:
        return [
            Program(synth.plugin_id, patch.name, tuple(synth.to_positions(patch.values)))
            for patch in patches
        ]
    for patch in patches:
        if patch.synth != "amsynth":
            raise BadPatch(
                f"patch {patch.name!r} is of {patch.synth}, and .fxp is written for amsynth, or a "
                "plug-in whose TOML gives its id: write .toml"
            )
    if as_chunk:
        return [Program(AMSYNTH_ID, p.name, chunk=amsynth.chunk_text(p)) for p in patches]
    return [Program(AMSYNTH_ID, p.name, _positions(p)) for p in patches]


def _positions(patch: Patch) -> tuple[float, ...]:
    values = legal_values(patch.values, amsynth_parameters())
    return tuple(c.to_knob(values.get(c.name, c.default)) for c in amsynth_parameters())


def _of_amsynth(program: Program) -> list[Patch]:
    if program.plugin_id != AMSYNTH_ID:
        raise BadPatch(
            f"is of the plug-in {program.plugin_id!r}, which alone can read it: name that "
            "plug-in's file as the synthesizer"
        )
    if program.chunk is not None:
        found = amsynth.read_bank(program.chunk)
        if program.is_bank or len(found) != 1 or not program.name:
            return found
        return [Patch(program.name, "amsynth", found[0].values)]
    knobs = amsynth_parameters()
    if len(program.params) > len(knobs):
        raise BadPatch(f"has {len(program.params)} parameters, amsynth has {len(knobs)}")
    values = {c.name: c.from_knob(x) for c, x in zip(knobs, program.params, strict=False)}
    return [Patch(program.name, "amsynth", values)]


def _of_plug_in(program: Program, path: Path, synth: Plugin, n_programs: int) -> Patch:
    """The plug-in, in its own process, is asked what it makes of a chunk."""
    if synth.plugin_id and program.plugin_id != plain_name(synth.plugin_id):
        raise BadPatch(f"is of the plug-in {program.plugin_id!r}, {synth.name} has the id "
                       f"{synth.plugin_id!r}")  # fmt: skip
    positions = list(program.params)
    if program.chunk is not None:
        if n_programs != 1 or program.is_bank:
            raise BadPatch("is a bank of chunks: give its programs as .fxp, one by one")
        head, _ = synth.host.ask({"preset": str(path.resolve())})
        positions = head["values"]
    return Patch(program.name, synth.name, synth.from_positions(positions))
