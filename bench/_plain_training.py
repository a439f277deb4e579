"""Training of the plain port of the paper's model: the same crops and the same loss as ours."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import torch
from _plain_ddsp import FRAME_RATE, PlainDdsp

if TYPE_CHECKING:
    from torch import Tensor

    from timbrel.data.phrases.phrase_set import PhraseSet
    from timbrel.instruments.ddsp import Asked
    from timbrel.sound import Performance

RATE, CROP_S, BATCH, WINDOWS = 48000, 1.0, 4, 2
LEARNING_RATE, CLIP_NORM = 1e-3, 3.0
"""The paper's."""


def trained_plain(phrases: PhraseSet, seconds: float) -> tuple[PlainDdsp, int]:
    """A plain model after so many seconds of this process's time, and the steps they were."""
    from timbrel.training.ddsp.multi_resolution import multi_resolution_loss, some_windows
    from timbrel.training.ddsp.phrase_crops import PhraseCropSet

    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    crops, plain, steps = PhraseCropSet([phrases], RATE, CROP_S), PlainDdsp(RATE), 0
    optimizer = torch.optim.Adam(plain.parameters(), lr=LEARNING_RATE)
    began = time.process_time()
    while time.process_time() - began < seconds:
        batch = crops.batch(torch.randint(len(crops), (BATCH,), generator=generator), generator)
        sound = plain(*asked_slowly(batch.asked))[:, : batch.audio.shape[1]]
        windows = some_windows(WINDOWS, generator)
        loss = multi_resolution_loss(sound, batch.audio[:, : sound.shape[1]], RATE, windows)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(plain.parameters(), CLIP_NORM)
        optimizer.step()
        steps += 1
    return plain.eval(), steps


def asked_slowly(asked: Asked) -> tuple[Tensor, Tensor]:
    """Pitch and loudness as often as the plain model is asked: every second frame."""
    from timbrel.dsp.listening import FRAME_RATE as OURS

    every = round(OURS / FRAME_RATE)
    return asked.f0_hz[:, ::every], asked.loudness_db[:, ::every]


@torch.no_grad()
def played_by(plain: PlainDdsp, melody: Performance) -> Tensor:
    """A melody played by the plain model."""
    from timbrel.instruments.ddsp import asked_of

    return plain(*asked_slowly(asked_of(melody)))[0]
