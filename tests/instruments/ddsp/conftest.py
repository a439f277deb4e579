"""A tiny ddsp of random weights, whose room is loud enough to be heard."""

import torch

from timbrel.instruments.ddsp import Ddsp, DdspSettings


def instrument_of(sample_rate: int = 16000, decoder: str = "gru", reverb_s: float = 0.3) -> Ddsp:
    torch.manual_seed(2)
    settings = DdspSettings(
        size="tiny", latent=4, sample_rate=sample_rate, reverb_s=reverb_s, looks_back=30,
        decoder=decoder,  # pyright: ignore[reportArgumentType]
    )  # fmt: skip
    instrument = Ddsp(settings)
    with torch.no_grad():
        instrument.network.room.level.fill_(-4.0)
    return instrument
