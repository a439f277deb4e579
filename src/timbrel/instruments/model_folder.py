"""A model on disk: config.toml, weights.safetensors, README.md and perhaps bank.safetensors.

`config.toml` is complete: the family, the format's version and every setting, so that a model
carries its own dimensions. Weights are tensors and nothing else; no pickle is ever read.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, TypeVar

import tomli_w
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from timbrel.config import Settings, make_settings, read_toml
from timbrel.errors import BadConfig, BadInput, BadModel
from timbrel.files import replacing

FORMAT = 1
CONFIG, WEIGHTS, CARD, BANK = "config.toml", "weights.safetensors", "README.md", "bank.safetensors"

S = TypeVar("S", bound=Settings)


def write_config(folder: Path, family: str, settings: Settings) -> None:
    """Write the complete settings of a model."""
    model = settings.model_dump(mode="json", exclude_none=True)
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / CONFIG) as path:
        text = tomli_w.dumps({"family": family, "format": FORMAT, "model": model})
        path.write_text(text, encoding="utf-8")


def read_family(folder: Path) -> str:
    """The family that a model folder belongs to.

    Raises:
        BadModel: there is no config, or one that is damaged or of a newer format.
    """
    tables = _read_config(folder)
    family, version = tables.get("family"), tables.get("format")
    if not isinstance(family, str):
        raise BadModel(f"{folder / CONFIG} names no family: is it a training config?")
    if version != FORMAT:
        raise BadModel(f"{folder / CONFIG} has format {version!r}, wanted {FORMAT}: update timbrel")
    return family


def read_model_settings(folder: Path, cls: type[S]) -> S:
    """The settings of a model folder, validated.

    Raises:
        BadModel: a setting is unknown, missing or out of range.
    """
    tables = _read_config(folder).get("model", {})
    if not isinstance(tables, dict):
        raise BadModel(f"{folder / CONFIG}: model = {tables!r:.80}, wanted a table: copy it again")
    try:
        return make_settings(cls, tables, where=str(folder / CONFIG))
    except BadConfig as error:
        raise BadModel(str(error)) from None


def _read_config(folder: Path) -> dict[str, Any]:
    if not (folder / CONFIG).is_file():
        raise BadModel(f"{folder} is no model folder: it has no {CONFIG}")
    try:
        return read_toml(folder / CONFIG)
    except BadConfig as error:
        raise BadModel(str(error)) from None


def write_weights(folder: Path, network: nn.Module, *, half: bool = False) -> None:
    """Write a network's state; `half` stores floats in 16 bits, as shipped weights are."""
    state = {name: _stored(tensor, half) for name, tensor in network.state_dict().items()}
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / WEIGHTS) as path:
        # save_file would leave a file that only its owner may read
        path.write_bytes(save(state))


def _stored(tensor: Tensor, half: bool) -> Tensor:
    tensor = tensor.detach().cpu().contiguous()
    return tensor.half() if half and tensor.is_floating_point() else tensor


def weights_file(folder: Path) -> Path:
    """Where the weights of a model folder are.

    Raises:
        BadModel: it has none.
    """
    path = folder / WEIGHTS
    if not path.is_file():
        raise BadModel(f"{folder} has no {WEIGHTS}: train the model or copy the whole folder")
    return path


def weights_digest(folder: Path) -> str:
    """What tells one model's weights from all others.

    Raises:
        BadModel: it has none, or they are damaged.
    """
    path = weights_file(folder)
    try:
        with safe_open(path, framework="pt"), path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except (SafetensorError, OSError) as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> BadModel:
    return BadModel(f"{path} is damaged ({error}): copy or train it again")


def require_replaceable(folder: Path) -> None:
    """That nothing but a model would go where one is to be written.

    Raises:
        BadInput: there is something else.
    """
    if not folder.name:
        raise BadInput(f"{folder} has no name of its own: give the name of a folder")
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    try:
        read_family(folder)
    except BadModel:
        raise BadInput(f"{folder} holds something else than a model: choose another") from None


def read_weights(folder: Path, network: nn.Module, parts: tuple[str, ...] = ("",)) -> None:
    """Load a network's state from a model folder: to play it, or to train it further.

    Args:
        folder: of the model.
        network: that takes its weights.
        parts: prefixes of the names that are taken; ("",) is all of them.

    Raises:
        BadModel: the file is missing or damaged, its tensors do not fit, or are not finite.
    """
    path = weights_file(folder)
    try:
        state = load_file(path)
    except (SafetensorError, OSError) as error:
        raise _damaged(path, error) from None
    wanted = {n: tensor for n, tensor in network.state_dict().items() if n.startswith(parts)}
    state = {n: tensor for n, tensor in state.items() if n.startswith(parts)}
    misfits = [name for name in wanted.keys() | state.keys()
               if name not in wanted or name not in state
               or wanted[name].shape != state[name].shape
               or wanted[name].is_floating_point() != state[name].is_floating_point()]  # fmt: skip
    if misfits:
        raise BadModel(f"{path} does not fit the settings ({min(misfits)} differs): "
                       "use those that it was trained by")  # fmt: skip
    fitting = {name: state[name].to(wanted[name].dtype) for name in wanted}
    broken = [name for name, tensor in fitting.items() if not bool(tensor.isfinite().all())]
    if broken:
        raise BadModel(f"{path}: {min(broken)} holds NaN or infinity: train the model again")
    network.load_state_dict(network.state_dict() | fitting)


def weights_hash(network: nn.Module) -> str:
    """SHA-256 of a network's state at half precision.

    The same for a model before shipping, as shipped and as loaded, so that a bank measured on
    one belongs to all of them.
    """
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(name.encode())
        data = tensor.detach().cpu().contiguous()
        data = data.to(torch.float16) if data.is_floating_point() else data
        digest.update(data.numpy().tobytes())
    return digest.hexdigest()
