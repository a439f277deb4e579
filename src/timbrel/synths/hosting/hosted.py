"""A synthesizer that lives in child processes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from timbrel.errors import BadInput, SynthFailed, TimbrelError, Unsupported
from timbrel.sound import Notes, Rendered
from timbrel.synths.hosting.host import Host
from timbrel.synths.synth import Synth, check_longest

SAMPLE_RATE = 44100
TAIL_S = 1.0
"""How long a note is listened to after its key went up."""

_FADE_S = 0.02


class HostedSynth(Synth):
    """A synthesizer whose renders child processes make, each from the state after loading.

    So the same notes make the same samples at every call, in any order, on any number of processes.
    A note sounds for its duration and `tail_s`; what has not died away then is faded out.
    """

    sample_rate = SAMPLE_RATE
    furthest_bend = 1.5
    """Semitones; the pitch wheel of most plug-ins goes to 2, of which a pitch may need a half."""

    def __init__(self, host: Host, *, tail_s: float = TAIL_S) -> None:
        self.host = host
        self.tail_s = tail_s

    @abstractmethod
    def turned(self, values: Mapping[str, float]) -> list[tuple[int | str, float]]:
        """Knobs by name and in their units, as the plug-in wants to be told of them."""

    def render(
        self,
        patches: Float[Tensor, "*notes params"],
        notes: Notes,
        controls: Mapping[str, float] | None = None,
        *,
        longest_s: float | None = None,
    ) -> Rendered:
        """Notes played with one patch for all, or with one for each; the same at every call.

        Raises:
            BadInput: shapes that do not fit, or numbers that are not finite; controls, which
                plug-ins have none of.
            SynthFailed: the plug-in crashed, hung or made nothing that can be used.
        """
        if controls:
            raise BadInput(
                f"{self.name} has no controls beside its knobs, got {', '.join(controls)}"
            )
        return self._rendered(self.render_each(patches, notes, longest_s=longest_s))

    def render_each(
        self,
        patches: Float[Tensor, "*notes params"],
        notes: Notes,
        *,
        longest_s: float | None = None,
    ) -> Iterator[Float[Tensor, " time"] | TimbrelError]:
        """As `Synth.render_each`: one that fails costs no other.

        Raises:
            BadInput: as `render`.
            MissingExtra: what hosts the plug-in is not installed.
        """
        requests = self._requests(patches, notes)
        longest_s = check_longest(longest_s)
        requests = [r | {"total_s": min(r["total_s"], longest_s)} for r in requests]
        return self._sounds(requests)

    def render_preset(self, preset: str, notes: Notes) -> Rendered:
        """Notes played with a preset that the plug-in loads itself: the path of a file, or text.

        Raises:
            SynthFailed: the plug-in crashed, hung or refused it.
        """
        asked = [{"preset": preset} | note for note in self._notes(notes)]
        return self._rendered(self._sounds(asked))

    def _sounds(self, requests: list[dict[str, Any]]) -> Iterator[Tensor | TimbrelError]:
        for answer in self.host.ask_all(requests):
            if isinstance(answer, SynthFailed):
                yield answer
            elif isinstance(answer, TimbrelError):
                raise answer
            else:
                sound = torch.frombuffer(bytearray(answer[1]), dtype=torch.float32)
                yield _faded(sound, round(_FADE_S * self.sample_rate))

    def _rendered(self, sounds: Iterator[Tensor | TimbrelError]) -> Rendered:
        good = []
        for sound in sounds:
            if isinstance(sound, TimbrelError):
                raise sound
            good.append(sound)
        lengths = torch.tensor([len(sound) for sound in good])
        return Rendered(pad_sequence(good, batch_first=True), lengths, self.sample_rate)

    def _requests(self, patches: Tensor, notes: Notes) -> list[dict[str, Any]]:
        """Everything is looked at here, before anything reaches a plug-in."""
        rows = self.parameters.space.for_notes(patches, len(notes))
        turned = [self.turned(self.parameters.values(row)) for row in rows]
        return [{"values": v} | n for v, n in zip(turned, self._notes(notes), strict=True)]

    def _notes(self, notes: Notes) -> list[dict[str, Any]]:
        if not len(notes):
            raise BadInput("there is no note to render: give one or more")
        bends = [[0.0]] * len(notes)
        if notes.bend_semitones is not None:
            _require_slight(notes.bend_semitones, self.name, self.furthest_bend)
            bends = notes.bend_semitones.tolist()
        columns = zip(notes.pitch.tolist(), notes.velocity.tolist(), notes.duration_s.tolist(),
                      bends, strict=True)  # fmt: skip
        return [
            {"pitch": pitch, "velocity": velocity, "held_s": held_s,
             "total_s": held_s + self.tail_s, "bend": bend}
            for pitch, velocity, held_s, bend in columns
        ]  # fmt: skip


def _require_slight(bend: Tensor, name: str, furthest: float) -> None:
    got = float(bend.abs().max())
    if got > furthest:
        raise Unsupported(
            f"{name} was to bend a note by {got:g} semitones: it can by {furthest:g} at most"
        )


def _faded(sound: Tensor, length: int) -> Tensor:
    """The sound with its end brought to silence, where it has not died away."""
    length = min(length, len(sound))
    if length and bool(sound[-length:].any()):
        sound[-length:] *= torch.linspace(1, 0, length)
    return sound
