"""Blocks that know no instrument: what several networks are built from."""

from timbrel.nn.conv import Down, Up
from timbrel.nn.features import pitch_features, time_features
from timbrel.nn.latent import kl_to_normal, reparameterize

__all__ = [
    "Down",
    "Up",
    "kl_to_normal",
    "pitch_features",
    "reparameterize",
    "time_features",
]
