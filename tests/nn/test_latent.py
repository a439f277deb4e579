"""The reparameterization trick and its divergence, against statistics, autograd and torch."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from timbrel.nn import kl_to_normal, reparameterize

MEAN = torch.tensor([[-2.0, 0.0, 3.0]])
LOG_VARIANCE = torch.tensor([[-4.0, 0.0, 1.5]])


def test_samples_have_the_mean_and_the_variance_they_are_drawn_with(generator) -> None:
    """Of 200,000 samples: standard error of the mean sd / 447, of the variance 0.3 %."""
    count = 200_000
    drawn = reparameterize(MEAN.expand(count, -1), LOG_VARIANCE.expand(count, -1), generator)
    deviation = (LOG_VARIANCE[0] / 2).exp()
    assert bool(((drawn.mean(0) - MEAN[0]).abs() < 5 * deviation / math.sqrt(count)).all())
    torch.testing.assert_close(drawn.var(0), LOG_VARIANCE[0].exp(), rtol=0.016, atol=0)
    correlation = torch.corrcoef(drawn.T) - torch.eye(3)
    assert float(correlation.abs().max()) < 0.012
    standard = (drawn - MEAN) / deviation
    assert bool((standard.pow(4).mean(0) - 3).abs().max() < 0.1)


def test_gradients_reach_mean_and_variance_as_derived() -> None:
    """z = mean + exp(lv / 2) e: dz/dmean = 1, dz/dlv = (z - mean) / 2."""
    mean, log_variance = MEAN.clone().requires_grad_(), LOG_VARIANCE.clone().requires_grad_()
    drawn = reparameterize(mean, log_variance, torch.Generator().manual_seed(1))
    drawn.sum().backward()
    assert mean.grad is not None
    assert torch.equal(mean.grad, torch.ones(1, 3))
    torch.testing.assert_close(log_variance.grad, (drawn.detach() - MEAN) / 2)


def test_a_generator_repeats_and_leaves_the_global_one_alone() -> None:
    before = torch.get_rng_state()
    first, again = (
        reparameterize(MEAN, LOG_VARIANCE, torch.Generator().manual_seed(4)) for _ in range(2)
    )
    assert torch.equal(first, again)
    assert torch.equal(before, torch.get_rng_state())


def test_half_precision_stays_half() -> None:
    assert reparameterize(MEAN.bfloat16(), LOG_VARIANCE.bfloat16()).dtype == torch.bfloat16


def test_kl_agrees_with_torch_and_is_zero_only_at_the_prior() -> None:
    mean, log_variance = torch.randn(20, 7), torch.randn(20, 7)
    normal = Normal(mean, (log_variance / 2).exp())
    wanted = kl_divergence(normal, Normal(0.0, 1.0)).sum(-1)
    torch.testing.assert_close(kl_to_normal(mean, log_variance), wanted)
    assert kl_to_normal(torch.zeros(1, 7), torch.zeros(1, 7)).item() == 0.0


def test_kl_agrees_with_its_own_definition_by_sampling(generator) -> None:
    """E_q[log q - log p], 100,000 samples."""
    count = 100_000
    drawn = reparameterize(MEAN.expand(count, -1), LOG_VARIANCE.expand(count, -1), generator)
    q, p = Normal(MEAN, (LOG_VARIANCE / 2).exp()), Normal(0.0, 1.0)
    sampled = (q.log_prob(drawn) - p.log_prob(drawn)).sum(-1).mean()
    assert float(sampled) == pytest.approx(float(kl_to_normal(MEAN, LOG_VARIANCE)), abs=0.1)
