"""Blocks that know no instrument: what several networks are built from."""

from timbrel.nn.conv import Down, Up
from timbrel.nn.features import duration_feature, pitch_features, time_features
from timbrel.nn.field import MomentField
from timbrel.nn.latent import kl_to_normal, reparameterize

__all__ = [
    "Down",
    "MomentField",
    "Up",
    "duration_feature",
    "kl_to_normal",
    "pitch_features",
    "reparameterize",
    "time_features",
]
