"""An instrument that is a network: its weights name it, and it lies in a model folder.

A family says what its settings and its network are; making, loading and saving are the same for
all, and so is what binds a bank to the weights.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from torch import nn

from timbrel.config import Settings
from timbrel.instruments.instrument import Instrument
from timbrel.instruments.model_folder import (
    BANK,
    read_model_settings,
    read_weights,
    weights_hash,
    write_config,
    write_weights,
)
from timbrel.timbre import Bank

S = TypeVar("S", bound=Settings)
N = TypeVar("N", bound=nn.Module)
Own = TypeVar("Own", bound="NetworkInstrument[Any, Any]")


class NetworkInstrument(Instrument, Generic[S, N]):
    """An instrument whose timbres mean something to one network's weights.

    Args:
        settings: of the network; its defaults where None.
        network: its weights; random ones where None, which are not in training.

    Attributes:
        settings_class: what reads the settings in a model folder.
        network_class: what makes a network of settings.
        halves_bank: whether 16 bits do for timbres too: worth it where they are long.
    """

    halves_bank: ClassVar[bool] = False
    settings_class: type[S]
    network_class: type[N]
    settings: S
    network: N

    def __init__(self, settings: S | None = None, network: N | None = None) -> None:
        self.settings = settings or self.settings_class()
        self.network = network or self.network_class(self.settings).eval()

    @property
    def fingerprint(self) -> str:
        """The hash of the network's weights."""
        return weights_hash(self.network)

    @classmethod
    def load(cls: type[Own], folder: Path) -> Own:
        """The instrument in a model folder, with its bank if there is one.

        Raises:
            BadModel: a file is missing or damaged, or does not fit the others.
        """
        instrument = cls(read_model_settings(folder, cls.settings_class))
        read_weights(folder, instrument.network)
        if (folder / BANK).exists():
            instrument.bank = Bank.load(folder / BANK, model=instrument.fingerprint)
        return instrument

    def save(self, folder: Path, *, half: bool = False) -> None:
        """Write a model folder; `half` stores weights in 16 bits, as shipped ones are."""
        write_config(folder, self.family, self.settings)
        write_weights(folder, self.network, half=half)
        if self.bank:  # an empty one is no file
            self.bank.save(folder / BANK, half=half and self.halves_bank)
