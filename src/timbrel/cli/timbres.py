"""What a verb's A, B or --timbre means: a sound file, a timbre's name, or an expression of both.

    violin                       a name in the model's bank, or in the --bank given
    lead.toml                    a synthesizer's patch, for a model that plays it
    recordings/door.wav          a sound file, encoded
    door.timbre.safetensors      what `timbrel encode` wrote
    "violin + 0.5*bright"        arithmetic on names
    "0.5*'my door.wav' + 0.5*violin"   ... and on files, in quotes

A file that exists wins over a name, and a name over an expression.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.audio import read_audio, require_sound
from timbrel.cli.arguments import USING, Using
from timbrel.cli.names import looks_like_file, looks_like_sound, result_name
from timbrel.cli.output import progress_bar, say_note
from timbrel.cli.places import Place, place_for
from timbrel.errors import BadAudio, BadInput, Unsupported
from timbrel.instruments import Instrument, load
from timbrel.synths.files import read_patch
from timbrel.timbre import Bank, Entry, blend
from timbrel.units import pitch_name

MIDDLE_C = 60.0
_FEWEST_TO_SPAN = 8
_PLAYS_PATCHES = "preset-subtractive"


@dataclass(frozen=True)
class Heard:
    """A sound file as a timbre.

    Attributes:
        entry: the timbre.
        pitch: MIDI number of the recording.
        duration_s: how much of it was heard.
    """

    entry: Entry
    pitch: float
    duration_s: float

    def __str__(self) -> str:
        nearest = round(self.pitch)
        cents = f"{100 * (self.pitch - nearest):+.0f} cents"
        is_exact = self.pitch == nearest  # given, or taken for it: nothing was measured
        return f"{pitch_name(nearest)}{'' if is_exact else f' {cents}'}, {self.duration_s:.1f} s"


@dataclass(frozen=True)
class Timbres:
    """Everything that can be named to one instrument.

    Attributes:
        instrument: whose timbres they are.
        bank: its named timbres, with a bank of the user's own where one was given.
        pitch: MIDI number of all sound files; None has each one's found.
        seconds: time that may be spent on encoding one file.
        using: what the user said of the instrument and the bank.
    """

    instrument: Instrument
    bank: Bank
    pitch: float | None = None
    seconds: float = 0.0
    using: Using = USING
    _heard: dict[Path, Heard] = field(default_factory=dict)
    _banks: list[Path] = field(default_factory=list)
    _patches: list[Path] = field(default_factory=list)
    _hidden: set[str] = field(default_factory=set)

    @property
    def reads(self) -> tuple[Path, ...]:
        """The user's files that were read so far, not to be written over."""
        return (*self._heard, *self._banks, *self._patches)

    def hear(self, path: Path) -> Heard:
        """A sound file, encoded once.

        Raises:
            BadAudio: it cannot be read, or nothing is to be heard in it.
            Unsupported: the instrument cannot encode.
        """
        if path not in self._heard:
            rate = self.instrument.sample_rate
            audio = self._one_note(
                require_sound(read_audio(path, rate), rate, name=str(path)), path
            )
            pitch = self._pitch_in(audio, path) if self.pitch is None else self.pitch
            try:
                timbre = self.instrument.encode(audio, pitch=pitch, seconds=self.seconds)
            except BadAudio as error:
                raise BadAudio(f"{path}: {error}") from None
            entry = Entry("sound", timbre, f"encoded from {path.name}")
            self._heard[path] = Heard(entry, pitch, len(audio) / rate)
        return self._heard[path]

    def _one_note(self, audio: Float[Tensor, " time"], path: Path) -> Float[Tensor, " rest"]:
        """The first note of a phrase, which is said; any other recording as it is."""
        from timbrel.dsp.first_note import first_note, others_follow

        note = first_note(audio, self.instrument.sample_rate)
        if others_follow(note, audio):
            seconds = len(note) / self.instrument.sample_rate
            say_note(f"{path} holds several notes: the first is heard, {seconds:.2f} s")
        return note

    def _pitch_in(self, audio: Float[Tensor, " time"], path: Path) -> float:
        """The pitch of a recording; a door that slams is taken for middle C, and that is said."""
        from timbrel.dsp.pitch import note_pitch

        try:
            return note_pitch(audio, self.instrument.sample_rate)
        except BadAudio:
            say_note(f"no pitch can be heard in {path}: taken for C4, `timbrel encode` has --pitch")
            return MIDDLE_C

    def lookup(self, name: str) -> Entry:
        """The entry of a name or a file; what expressions are resolved with.

        Raises:
            BadInput: there is neither.
        """
        if looks_like_file(name):
            return self._read(Path(name))
        if name not in self.bank:
            _require_no_folder(name)
        try:
            return self.named(name)
        except BadInput as error:
            raise BadInput(f"{error}; and no file of that name") from None

    def named(self, name: str) -> Entry:
        """The entry of a name; that the user's bank has it in place of the model's is said once.

        Raises:
            BadInput: no entry has that name.
        """
        entry = self.bank.lookup(name)
        if name in self._hidden:
            self._hidden.remove(name)
            say_note(f"{name!r} is from {self.using.bank}, not {self.using.model}'s own")
        return entry

    def resolve(self, text: str) -> Float[Tensor, " params"]:
        """The timbre that a word, a path or an expression says.

        Raises:
            BadInput: it says none.
        """
        space = self.instrument.timbre_space
        is_sum = any(f" {sign} " in text for sign in "+-*/")
        if text not in self.bank:
            _require_no_folder(text)
        if is_sum and looks_like_file(text) and not Path(text).exists():
            raise BadInput(f"{text}: quote a file in an expression, as in \"violin + 'a.wav'\"")
        if looks_like_file(text) or text in self.bank:
            entry = self.lookup(text)
            if not entry.is_absolute:
                raise BadInput(f"{text} is a direction, not a sound: write 'violin + {text}'")
            return space.check(entry.timbre, text)
        return blend(text, self.lookup, space)

    def pitch_of(self, text: str) -> float:
        """The pitch to play it at where none is given: a recording's own, else middle C."""
        return self.hear(Path(text)).pitch if looks_like_sound(text) else MIDDLE_C

    def _read(self, path: Path) -> Entry:
        if looks_like_sound(str(path)):
            return self.hear(path).entry
        if path.suffix != ".safetensors":
            return self._patch(path)
        bank = Bank.load(path, self.bank.model)
        if len(bank) != 1:
            raise BadInput(f"{path} holds {len(bank)} timbres: pass it as --bank and name one")
        self._banks.append(path)
        return bank.lookup(next(iter(bank)))

    def _patch(self, path: Path) -> Entry:
        """A synthesizer's patch, which is a timbre of who plays that."""
        from timbrel.instruments.preset import Preset

        if not isinstance(self.instrument, Preset):
            raise BadInput(
                f"{path} is a patch: play it by a preset, as in --model {_PLAYS_PATCHES}"
            )
        patch = read_patch(path, self.instrument.synth)
        vector = self.instrument.synth.parameters.vector(patch.values)
        self._patches.append(path)
        return Entry("sound", vector, f"patch {patch.name!r}")


def open_timbres(
    using: Using, pitch: float | None = None, seconds: float = 0.0, *, new_bank: bool = False
) -> Timbres:
    """The instrument, its bank, and what the user's own bank adds to it.

    Args:
        using: names of the instrument and of the user's bank.
        pitch: MIDI number of all sound files; None has each one's found.
        seconds: time that may be spent on encoding one file.
        new_bank: whether the user's bank need not be there yet.

    Raises:
        BadModel: no such model or bank, or the bank belongs to another model.
    """
    instrument = load(using.model)
    bank = _own_bank(instrument)
    timbres = Timbres(instrument, bank, pitch, seconds, using)
    if using.bank is not None and not (new_bank and not using.bank.exists()):
        own = Bank.load(using.bank, bank.model)
        timbres._hidden.update(n for n in own if n in bank and not torch.equal(own[n], bank[n]))
        bank.merge(own, replace=True)
        timbres._banks.append(using.bank)
    return timbres


def _own_bank(instrument: Instrument) -> Bank:
    """A copy of the instrument's bank, or an empty one that belongs to its weights."""
    shipped = instrument.bank or Bank(instrument.fingerprint)
    return Bank(shipped.model, {name: shipped.lookup(name) for name in shipped})


def keep(timbres: Timbres, name: str, sound: Path, bank: Path | None, out: Path | None) -> Path:
    """Write a sound's timbre to a file of its own, or into the user's bank, which may be a new one.

    Raises:
        BadInput: there is no sound in it, or the file is no place for it.
        BadModel: a bank is there, and belongs to another model.
    """
    if bank is not None and out is not None:
        raise BadInput("--bank and --out exclude each other: give one of them")
    place = place_for(bank or out, result_name(name, timbres.using), (".safetensors",), [sound])
    kept = _kept(place, timbres.bank.model, into_bank=bank is not None)
    with progress_bar(f"hearing {sound.name}"):
        heard = timbres.hear(sound)
    kept.add(name, heard.entry.timbre, heard.entry.kind, heard.entry.about, replace=True)
    path = place.fill(lambda folder: [kept.save(folder / place.file)])[0]
    say_note(f"heard as {heard}; kept as {name!r}")
    if bank is not None and name in (timbres.instrument.bank or ()):
        say_note(f"with --bank {bank}, {name!r} is this one, not {timbres.using.model}'s own")
    return path


def _kept(place: Place, model: str, *, into_bank: bool) -> Bank:
    """What the file holds besides; a bank of many timbres is only replaced where it was asked."""
    path = place.folder / place.file
    if not (place.chosen and path.exists()):
        return Bank(model)
    there = Bank.load(path, model)
    if not into_bank and len(there) > 1:
        raise BadInput(f"{path} holds {len(there)} timbres: add to them with --bank {path}")
    return there if into_bank else Bank(model)


def invent(
    timbres: Timbres, count: int, seed: int, *, prior: bool = False
) -> tuple[list[str], Float[Tensor, "count params"]]:
    """Names and timbres that nobody recorded; the same for the same seed.

    Args:
        timbres: of the instrument.
        count: how many.
        seed: of the draw.
        prior: draw from the timbre space's own distribution, not from what the bank's sounds span.

    Raises:
        Unsupported: the instrument's family has no timbres to draw from.
    """
    instrument, bank = timbres.instrument, timbres.bank
    if not instrument.can("generate"):
        raise Unsupported(f"{instrument.family} cannot generate: `timbrel models` shows which can")
    generator = torch.Generator().manual_seed(seed)
    names = [f"{'prior' if prior else 'generated'}_{seed}_{i}" for i in range(1, count + 1)]
    space = instrument.timbre_space
    if prior or len(bank.names("sound")) < _FEWEST_TO_SPAN:
        return names, space.sample(count, generator=generator)
    drawn = bank.sample(count, space.is_learned, generator=generator)
    return names, space.project(drawn)


def keep_all(
    timbres: Timbres, names: list[str], vectors: Float[Tensor, "sounds params"], beside: Path
) -> Path:
    """Write timbres as a bank beside the sounds made with them."""
    bank = Bank(timbres.bank.model)
    for name, vector in zip(names, vectors, strict=True):
        bank.add(name, vector)
    return bank.save(beside.with_suffix(".safetensors"))


def _require_no_folder(text: str) -> None:
    """That a word is no folder, whose path would be read as a division."""
    try:
        is_folder = bool(text.strip()) and Path(text).is_dir()
    except (OSError, ValueError):
        return
    if is_folder:
        raise BadInput(f"{text} is a folder, not a sound: name one sound file in it")
