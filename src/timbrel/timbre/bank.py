"""A bank: named timbres in one file, bound to the model that they were encoded with.

On disk it is one safetensors file: a matrix `timbres`, one row an entry, and the names, kinds and
remarks as JSON in its metadata. A timbre means nothing to another model, so the file carries its
model's hash and refuses any other. What is read is checked as if a stranger had sent it.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from timbrel.errors import BadInput, BadModel
from timbrel.files import is_stream, replacing
from timbrel.timbre.entry import KINDS, Entry, EntryKind

FORMAT = "timbrel bank 1"
_LARGEST_BYTES = 1 << 28
_LONGEST_NAME = 200


class Bank:
    """Named timbres of one model, in order.

    Attributes:
        model: hash of the weights that the timbres belong to; empty for a weightless model.
    """

    def __init__(self, model: str = "", entries: Mapping[str, Entry] | None = None) -> None:
        self.model = model
        self._entries: dict[str, Entry] = {}
        for name, entry in (entries or {}).items():
            self._put(name, entry)

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __getitem__(self, name: str) -> Float[Tensor, " params"]:
        """The vector of a timbre.

        Raises:
            BadInput: no entry has that name; the nearest is named.
        """
        return self.lookup(name).timbre

    def lookup(self, name: str) -> Entry:
        """The entry of that name; what expressions are resolved with.

        Raises:
            BadInput: no entry has that name; the nearest is named.
        """
        if name not in self._entries:
            raise BadInput(f"unknown sound {name!r}: {self._hint(name)}")
        return self._entries[name]

    def names(self, kind: EntryKind | None = None) -> tuple[str, ...]:
        """All names, or those of one kind, in order."""
        return tuple(n for n, e in self._entries.items() if kind is None or e.kind == kind)

    def sample(
        self,
        count: int,
        is_learned: Bool[Tensor, " params"] | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> Float[Tensor, "count params"]:
        """Timbres that nobody recorded, drawn from the Gaussian that the bank's sounds span.

        A latent space's prior is wider than what its encoder uses of it; sounds from there are
        plausible but alike. Mixing all differences from the mean with random weights,

            mean + sum over i of e_i (sound_i - mean) / sqrt(n - 1),   e_i ~ N(0, 1),

        gives exactly the sounds' own covariance. What is left over of single recordings knows no
        such freedom (drawn so, the attack of one sound hits another like a bang): of that it is a
        mean, weighted by the squares of the positive e_i.

        Args:
            count: how many.
            is_learned: which numbers say what a sound is like (`TimbreSpace.is_learned`).
            generator: of the weights.

        Raises:
            BadInput: there are fewer than two sounds.
        """
        sounds = [entry.timbre for entry in self._entries.values() if entry.kind == "sound"]
        if len(sounds) < 2:
            raise BadInput(f"{len(sounds)} sounds in the bank, 2 or more are needed to draw from")
        matrix = torch.stack(sounds)
        mean = matrix.mean(0)
        weights = torch.randn(count, len(sounds), generator=generator)
        drawn = mean + weights @ (matrix - mean) / (len(sounds) - 1) ** 0.5
        if is_learned is None:
            return drawn
        shares = weights.clamp_min(1e-6).square()
        return torch.where(is_learned, drawn, shares / shares.sum(1, keepdim=True) @ matrix)

    def add(
        self,
        name: str,
        timbre: Float[Tensor, " params"],
        kind: EntryKind = "sound",
        about: str = "",
        *,
        replace: bool = False,
    ) -> None:
        """Put a timbre into the bank.

        Raises:
            BadInput: the name is taken (unless `replace`) or unfit, or the vector does not fit.
        """
        if name in self._entries and not replace:
            raise BadInput(f"the bank already has {name!r}: choose another name or replace it")
        self._put(name, Entry(kind, timbre, about))

    def remove(self, name: str) -> None:
        """Take an entry out."""
        self.lookup(name)
        del self._entries[name]

    def rename(self, old: str, new: str) -> None:
        """Give an entry another name; it keeps its place.

        Raises:
            BadInput: there is no such entry, or the new name is taken or unfit.
        """
        self.lookup(old)
        _check_name(new)
        if new != old and new in self._entries:
            raise BadInput(f"the bank already has {new!r}: choose another name")
        self._entries = {new if n == old else n: e for n, e in self._entries.items()}

    def merge(self, other: Bank, *, replace: bool = False) -> None:
        """Take over all entries of another bank of the same model, or none of them.

        Args:
            other: the bank to take from.
            replace: whether its entries win over those of the same name here.

        Raises:
            BadInput: a name is in both with different timbres, and `replace` is off.
            BadModel: the other bank belongs to another model.
        """
        other.check_model(self.model, "the bank to merge")
        clashes = [n for n in other if n in self and not torch.equal(self[n], other[n])]
        if clashes and not replace:
            raise BadInput(f"both banks have {_listed(clashes)}: rename or replace")
        together = Bank(self.model, self._entries)
        for name in other:
            together._put(name, other.lookup(name))
        self._entries = together._entries

    def check_model(self, model: str, where: str = "the bank") -> None:
        """That the bank belongs to a model.

        Raises:
            BadModel: it was made with other weights.
        """
        if model != self.model:
            raise BadModel(
                f"{where} belongs to another model ({self.model[:12] or 'one without weights'}, "
                f"wanted {model[:12] or 'one without weights'}): encode its sounds again"
            )

    def save(self, path: str | Path, *, half: bool = False) -> Path:
        """Write the bank, whole or not at all; `half` stores its timbres in 16 bits."""
        if not self:
            raise BadInput("an empty bank cannot be saved: add a sound first")
        matrix = torch.stack([entry.timbre.float() for entry in self._entries.values()])
        matrix = matrix.half() if half else matrix
        facts = [
            {"name": name, "kind": entry.kind, "about": entry.about}
            for name, entry in self._entries.items()
        ]
        metadata = {"format": FORMAT, "model": self.model, "entries": json.dumps(facts)}
        with replacing(Path(path)) as temporary:
            # save_file would leave a file that only its owner may read
            temporary.write_bytes(save({"timbres": matrix.contiguous()}, metadata))
        return Path(path)

    @classmethod
    def load(cls, path: str | Path, model: str | None = None) -> Bank:
        """The bank in a file.

        Args:
            path: a file that `save` wrote.
            model: where given, the hash of the model that the bank must belong to.

        Raises:
            BadModel: the file is missing, damaged, no bank, or of another model.
        """
        path = Path(path)
        matrix, metadata = _read(path)
        facts = _facts(path, metadata, matrix)
        bank = cls(metadata.get("model", ""))
        try:
            for fact, timbre in zip(facts, matrix, strict=True):
                bank.add(fact["name"], timbre.clone(), fact["kind"], fact["about"])
        except BadInput as error:
            raise BadModel(f"{path} is damaged ({error}): make the bank again") from None
        if model is not None:
            bank.check_model(model, str(path))
        return bank

    def _put(self, name: str, entry: Entry) -> None:
        _check_name(name)
        size = len(next(iter(self._entries.values())).timbre) if self._entries else None
        if size is not None and len(entry.timbre) != size:
            raise BadInput(f"{name!r} has {len(entry.timbre)} numbers, the bank's others {size}")
        self._entries[name] = entry

    def _hint(self, name: str) -> str:
        lowered = {known.casefold(): known for known in self._entries}
        near = difflib.get_close_matches(name.casefold(), lowered, n=3, cutoff=0.6)
        near += [k for k in lowered if len(name) > 2 and name.casefold() in k and k not in near]
        if near:
            return f"did you mean {' or '.join(repr(lowered[k]) for k in near[:3])}?"
        return f"there are {_listed(list(self._entries))}" if self else "the bank is empty"


def _listed(names: list[str], most: int = 8) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def _check_name(name: str) -> None:
    if not name or name != name.strip() or not name.isprintable() or len(name) > _LONGEST_NAME:
        raise BadInput(
            f"{name[:60]!r} is no name for a timbre: wanted 1 to {_LONGEST_NAME} printable letters"
        )


def _read(path: Path) -> tuple[Float[Tensor, "entries params"], dict[str, str]]:
    if path.is_dir():
        raise BadModel(f"{path} is a folder: give the bank in it, a .safetensors file")
    if is_stream(path):
        raise BadModel(f"{path} is a pipe or a device: give a bank, a .safetensors file")
    if not path.is_file():
        raise BadModel(f"no bank at {path}: check the path")
    if path.stat().st_size > _LARGEST_BYTES:
        raise BadModel(f"{path} is larger than any bank: wanted at most 256 MiB")
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            names = sorted(file.keys())
            if metadata.get("format") != FORMAT or names != ["timbres"]:
                raise BadModel(f"{path} is no bank of this version: wanted {FORMAT!r}")
            matrix = file.get_tensor("timbres")
    except (SafetensorError, OSError, RuntimeError, ValueError) as error:
        reason = str(error).partition("\n")[0][:80]
        raise BadModel(f"{path} is no bank or is damaged ({reason}): make it again") from None
    if matrix.ndim != 2 or not matrix.is_floating_point():
        got = f"{matrix.dtype} of shape {tuple(matrix.shape)}"
        raise BadModel(f"{path} is damaged: its timbres are {got}; make it again")
    return matrix.float(), metadata


def _facts(path: Path, metadata: Mapping[str, str], matrix: Tensor) -> list[dict[str, Any]]:
    try:
        facts = json.loads(metadata.get("entries", ""))
    except (ValueError, RecursionError):
        facts = None
    wanted = {"name", "kind", "about"}
    legal = isinstance(facts, list) and all(
        isinstance(f, dict)
        and set(f) == wanted
        and all(isinstance(v, str) for v in f.values())
        and f["kind"] in KINDS
        for f in facts
    )
    if not legal or not isinstance(facts, list) or len(facts) != len(matrix):
        raise BadModel(f"{path} is damaged: its names do not fit its timbres; make it again")
    return facts
