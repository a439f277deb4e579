"""The Gaussian latent of a variational autoencoder (Kingma & Welling 2013, arXiv 1312.6114)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def reparameterize(
    mean: Float[Tensor, "batch latent"],
    log_variance: Float[Tensor, "batch latent"],
    generator: torch.Generator | None = None,
) -> Float[Tensor, "batch latent"]:
    """A sample of N(mean, variance) through which gradients reach both (their eq. 10).

    >>> reparameterize(torch.ones(1, 2), torch.full((1, 2), -80.0)).tolist()
    [[1.0, 1.0]]
    """
    device = mean.device if generator is None else generator.device
    noise = torch.randn(mean.shape, generator=generator, device=device).to(mean)
    return mean + (0.5 * log_variance).exp() * noise


def kl_to_normal(
    mean: Float[Tensor, "batch latent"], log_variance: Float[Tensor, "batch latent"]
) -> Float[Tensor, " batch"]:
    """KL divergence of N(mean, variance) from N(0, 1) in nats, summed over the latent (appendix B).

    >>> kl_to_normal(torch.ones(1, 4), torch.zeros(1, 4)).item()
    2.0
    """
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(-1)
