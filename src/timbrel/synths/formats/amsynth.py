"""The text of amsynth's banks, and of the chunk that its plug-in keeps.

    amSynth
    <preset> <name> NAME
    <parameter> NAME VALUE
    ...
    EOF

A chunk begins with `amSynth1.0preset` instead, and has no EOF: what begins otherwise the plug-in
takes without a word and does not read. Older presets know 36 or 40 parameters: the others stand at
their defaults.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from timbrel.errors import BadPatch
from timbrel.synths.amsynth_knobs import amsynth_parameters
from timbrel.synths.formats.checking import legal_values, require_at_most
from timbrel.synths.formats.program import plain_name
from timbrel.synths.patch import Patch

MAGIC = b"amSynth"

_CHUNK_MAGIC = b"amSynth1.0preset"
_MOST_PRESETS = 8192
_MOST_LINES = 50 * _MOST_PRESETS
_LONGEST_LINE = 1000


def read_bank(data: bytes) -> list[Patch]:
    """The patches of a bank, or of a chunk.

    Raises:
        BadPatch: it is none, or names what amsynth does not know, of which its plug-in would die.
    """
    data = data.split(b"\0")[0]
    require_at_most(_MOST_LINES, "lines", data.count(b"\n"))
    lines = data.decode("utf-8", "surrogateescape").split("\n")
    if not lines or lines[0].strip().encode(errors="replace") not in (MAGIC, _CHUNK_MAGIC):
        raise BadPatch("does not begin with a line 'amSynth': it is no bank of amsynth")
    presets: list[tuple[str, dict[str, float]]] = []
    for number, line in enumerate(lines[1:], start=2):
        if len(line) > _LONGEST_LINE:
            raise BadPatch(f"line {number} has {len(line)} characters, wanted {_LONGEST_LINE}")
        kind, _, rest = line.strip().partition(" ")
        if kind == "<preset>":
            presets.append((_name(rest), {}))
        elif kind == "<parameter>":
            if not presets:
                raise BadPatch(f"line {number} is a parameter of no preset")
            name, value = _parameter(rest, number)
            presets[-1][1][name] = value
        elif kind not in ("", "EOF", "<property>"):
            raise BadPatch(f"line {number} begins with {plain_name(kind)[:40]!r}")
        if len(presets) > _MOST_PRESETS:
            raise BadPatch(f"more than {_MOST_PRESETS} presets")
    if not presets:
        raise BadPatch("holds no patch")
    return [_patch(name, values) for name, values in presets]


def bank_text(patches: Iterable[Patch]) -> bytes:
    """Patches as the text of a bank, every parameter named."""
    return b"".join((MAGIC, b"\n", *(_preset(patch) for patch in patches), b"EOF\n"))


def chunk_text(patch: Patch) -> bytes:
    """A patch as the plug-in keeps it."""
    return _CHUNK_MAGIC + b"\n" + _preset(patch)


def _name(rest: str) -> str:
    text = rest.removeprefix("<name>").strip()
    # Debian's banks are ASCII; what users named before UTF-8 was common is latin-1
    if any("\udc80" <= character <= "\udcff" for character in text):
        text = text.encode("utf-8", "surrogateescape").decode("latin-1")
    return plain_name(text)


def _parameter(rest: str, number: int) -> tuple[str, float]:
    name, _, text = rest.strip().partition(" ")
    try:
        return name, float(text)
    except ValueError:
        raise BadPatch(f"line {number}: {plain_name(rest)[:60]!r} is no name and number") from None


def _patch(name: str, values: Mapping[str, float]) -> Patch:
    try:
        return Patch(name, "amsynth", legal_values(values, amsynth_parameters()))
    except BadPatch as error:
        raise BadPatch(f"preset {name[:60]!r}: {error}") from None


def _preset(patch: Patch) -> bytes:
    values = legal_values(patch.values, amsynth_parameters())
    lines = [f"<preset> <name> {plain_name(patch.name)}"]
    for control in amsynth_parameters():
        lines.append(f"<parameter> {control.name} {values.get(control.name, control.default):.9g}")
    return "".join(f"{line}\n" for line in lines).encode()
