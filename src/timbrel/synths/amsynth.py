"""amsynth: Debian's analogue synthesizer, a VST2 plug-in hosted by dawdreamer in child processes.

Both are under the GPL and neither is part of timbrel: `apt-get install amsynth` brings the plug-in
and its banks, the extra `amsynth` brings dawdreamer.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from timbrel.errors import BadInput
from timbrel.synths.amsynth_knobs import amsynth_parameters
from timbrel.synths.formats.amsynth import read_bank
from timbrel.synths.formats.file_bytes import read_file
from timbrel.synths.hosting import Host, HostedSynth
from timbrel.synths.hosting.hosted import TAIL_S
from timbrel.synths.hosting.worker import VST, PlugIn
from timbrel.synths.patch import Patch

PLUG_IN_VARIABLE = "TIMBREL_AMSYNTH"
"""Environment variable that names the plug-in where it lies elsewhere."""

_FILE = "amsynth_vst.so"
_FOLDERS = (
    Path.home() / ".vst",
    Path("/usr/lib/vst"),
    Path("/usr/local/lib/vst"),
    Path("/usr/lib64/vst"),
    Path("/usr/lib/x86_64-linux-gnu/vst"),
    Path("/usr/lib/aarch64-linux-gnu/vst"),
)
_BANKS = (Path("/usr/share/amsynth/banks"), Path("/usr/local/share/amsynth/banks"))
_NOWHERE = "/nonexistent"
"""What a user has set in amsynth, its tuning and polyphony, is not part of a patch."""


class Amsynth(HostedSynth):
    """amsynth's 41 knobs; renders are the same to the bit, at every call and in every process.

    Args:
        path: the plug-in; found where it is usually installed, or named by `TIMBREL_AMSYNTH`.
        processes: how many render at once; None is one a core.
        tail_s: how long a note is listened to after its key went up.

    Raises:
        BadInput: the plug-in is not installed.
    """

    name = "amsynth"
    volume = "master_vol"
    phrasing = ("keyboard_mode", "portamento_mode", "portamento_time")

    def __init__(
        self,
        path: str | Path | None = None,
        *,
        processes: int | None = None,
        tail_s: float = TAIL_S,
    ) -> None:
        environment = {"XDG_CONFIG_HOME": _NOWHERE, "XDG_DATA_HOME": _NOWHERE}
        plug_in = PlugIn(
            self.name, VST, str(find_amsynth(path)), "amsynth", environment=environment
        )
        super().__init__(Host(plug_in, processes), tail_s=tail_s)
        self.parameters = amsynth_parameters()

    def turned(self, values: Mapping[str, float]) -> list[tuple[int | str, float]]:
        """Knobs as positions 0..1, by their number."""
        return [(i, c.to_knob(values[c.name])) for i, c in enumerate(self.parameters)]

    def factory_banks(self) -> list[tuple[str, list[Patch]]]:
        """The banks that are installed with it, by name; none of them is part of timbrel.

        Raises:
            BadInput: they are not installed.
            BadPatch: one of them is damaged.
        """
        files = sorted(file for folder in _BANKS for file in folder.glob("*.bank"))
        if not files:
            raise BadInput(f"no banks of amsynth in {_BANKS[0]}: apt-get install amsynth")
        return [(file.name.split(".")[0], read_file(file, read_bank)) for file in files]


def find_amsynth(path: str | Path | None = None) -> Path:
    """The plug-in's file.

    Raises:
        BadInput: it is not there.
    """
    named = path or os.environ.get(PLUG_IN_VARIABLE)
    places = [Path(named)] if named else [folder / _FILE for folder in _FOLDERS]
    for place in places:
        if place.is_file():
            return place
    where = f"at {named}" if named else "among the installed VST plug-ins"
    raise BadInput(
        f"no amsynth {where}: apt-get install amsynth, or name {_FILE} in {PLUG_IN_VARIABLE}"
    )
