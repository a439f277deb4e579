"""What is heard of a sound, as it is kept: mels in bytes, a third of a dB each; curves in 16 bits.

Sets of patches and the judgements of users keep it so: 46 kB for four seconds.
"""

from __future__ import annotations

import hashlib

import torch
from jaxtyping import Float, Float16, UInt8
from torch import Tensor

from timbrel.instruments.preset.hearing.heard import N_CURVES, N_FRAMES, SCALE, Heard

_BYTE = 127.5


def mel_bytes(mel: Float[Tensor, "*batch mels frames"]) -> UInt8[Tensor, "*batch mels frames"]:
    """A normalised mel as bytes.

    >>> mel_bytes(torch.tensor([[-1.0, 0.9961, 1.0]]))
    tensor([[  0, 255, 255]], dtype=torch.uint8)
    """
    return ((mel + 1.0) * _BYTE).round().clamp(0, 255).to(torch.uint8)


def kept_heard(
    mel: UInt8[Tensor, "batch mels frames"], curves: Float16[Tensor, "batch curves frames"]
) -> Heard:
    """What was heard, from what is kept of it."""
    return Heard(mel.float() / _BYTE - 1.0, curves.float())


def heard_to_bytes(heard: Heard) -> tuple[bytes, bytes]:
    """The mel and the curves of one sound."""
    mel, curves = mel_bytes(heard.mel[0].cpu()), heard.curves[0].cpu().half()
    return mel.contiguous().numpy().tobytes(), curves.contiguous().numpy().tobytes()


def heard_from_bytes(mel: bytes, curves: bytes) -> Heard:
    """What was heard of one sound.

    Raises:
        ValueError: the bytes are too few or too many, or not finite.
    """
    if (len(mel), len(curves)) != (SCALE.n_mels * N_FRAMES, 2 * N_CURVES * N_FRAMES):
        raise ValueError(f"a sound has {len(mel)} and {len(curves)} bytes")
    bands = torch.frombuffer(bytearray(mel), dtype=torch.uint8)
    lines = torch.frombuffer(bytearray(curves), dtype=torch.float16)
    heard = kept_heard(
        bands.reshape(1, SCALE.n_mels, N_FRAMES), lines.reshape(1, N_CURVES, N_FRAMES)
    )
    if not bool(heard.curves.isfinite().all()):
        raise ValueError("a curve is not finite")
    return heard


def sound_id(heard: Heard) -> str:
    """What tells one sound from others: the hash of its mel.

    The same samples have the same, and nearly always so when they are louder; a copy that was
    encoded or resampled is another sound, and near by the tone matcher alone.
    """
    return hashlib.sha256(heard_to_bytes(heard)[0]).hexdigest()
