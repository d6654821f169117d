"""A likelihood of pixels: mixtures of discretised logistics."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from gensynth.layout import ImageLayout
from gensynth.nn.categorical import LOG_2E, draw_powers
from gensynth.nn.layers import bounded

MAX_LOG_SCALE = 5.0
"""Scales, in units of the range of a pixel, lie between exp(-3 - 5) and exp(-3 + 5)."""
SMALL = 1e-5
"""Probability of a level below which it is computed from the density."""


class LogisticMixture:
    """p(pixel) = sum_k w_k P(level | logistic of mean m_k and scale s_k), the outermost levels taking the tails.

    Salimans et al. 2017, "PixelCNN++", arXiv 1701.05517, equation 2. The channels of a pixel are independent given its
    parameters.

    Parameters
    ----------
    image : ImageLayout
        Shape of the images, and the levels of a pixel.
    n_components : int
        Logistics a channel.
    """

    def __init__(self, image: ImageLayout, n_components: int) -> None:
        self.image, self.n_components = image, n_components
        self.n_parameters = 3 * image.channels * n_components
        """Numbers a pixel: log-weights, means and log-scales."""

    def layer(self, channels: int, kernel: int) -> nn.Conv2d:
        """Return the convolution that gives the parameters; at first the means are spread over the range."""
        out = nn.Conv2d(channels, self.n_parameters, kernel, padding=kernel // 2)
        means = torch.linspace(-1.0, 1.0, self.n_components + 2)[1:-1]
        with torch.no_grad():
            out.weight.mul_(0.1)
            assert out.bias is not None
            out.bias.zero_().view(3, self.image.channels, self.n_components)[1] = means
        return out

    def _split(self, parameters: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return log-weights, means in units of the range, and log-scales (n, c, K, ...)."""
        shape = (3, self.image.channels, self.n_components)
        weight, mean, log_scale = parameters.unflatten(1, shape).unbind(1)
        return weight.log_softmax(2), 0.5 + 0.5 * mean, bounded(log_scale, MAX_LOG_SCALE) - 3.0

    def log_probability(self, parameters: Tensor, pixels: Tensor) -> Tensor:
        """Return log-probabilities (n, ...) of pixels (n, c, ...), channels summed, from parameters (n, p, ...)."""
        weight, mean, log_scale = self._split(parameters)
        half = 0.5 / self.image.levels
        x = pixels.clamp(half, 1.0 - half).unsqueeze(2)
        precision = torch.exp(-log_scale)
        centred = (x - mean) * precision
        upper, lower = centred + half * precision, centred - half * precision
        inner = upper.sigmoid() - lower.sigmoid()
        density = -centred.abs() - 2.0 * F.softplus(-centred.abs()) - log_scale + torch.log(torch.tensor(2.0 * half))
        log_inner = torch.where(inner > SMALL, inner.clamp(min=SMALL).log(), density)
        log_p = torch.where(x < 2.0 * half, F.logsigmoid(upper), log_inner)
        log_p = torch.where(x > 1.0 - 2.0 * half, F.logsigmoid(-lower), log_p)
        return (weight + log_p).logsumexp(2).sum(1)

    def mean(self, parameters: Tensor) -> Tensor:
        """Return the means (n, c, ...) of pixels: E[clip(x, 0, 1)] has a closed form for a logistic."""
        weight, mean, log_scale = self._split(parameters)
        scale = log_scale.exp()
        inside = scale * (F.softplus(mean / scale) - F.softplus((mean - 1.0) / scale))
        return (weight.exp() * inside).sum(2)

    def sample(self, parameters: Tensor, uniform: Tensor) -> Tensor:
        """Draw pixels (n, c) in (0, 1), each in the middle of its level, from parameters (n, p).

        ``uniform`` (n, c, 2) in [0, 1) says which.
        """
        weight, mean, log_scale = self._split(parameters)
        which, uniform = uniform.unbind(2)
        chosen = draw_powers(weight * LOG_2E, 1.0 - which).unsqueeze(2)  # (n, c, 1)
        mean, log_scale = mean.gather(2, chosen).squeeze(2), log_scale.gather(2, chosen).squeeze(2)
        uniform = uniform.clamp(1e-5, 1.0 - 1e-5)
        value = mean + log_scale.exp() * (uniform.log() - (-uniform).log1p())
        levels = self.image.levels
        return ((value * levels).floor().clamp(0, levels - 1) + 0.5) / levels
