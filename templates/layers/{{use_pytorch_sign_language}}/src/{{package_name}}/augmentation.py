"""Random changes of training pictures, made on whole batches of tensors."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from .params import AugmentationParams


def augment(pictures: Tensor, params: AugmentationParams, generator: torch.Generator) -> Tensor:
    """Change each picture of a batch in its own random way.

    Parameters
    ----------
    pictures : Tensor of float32, shape (n, c, s, s)
        Standardised.
    params : AugmentationParams
        The largest changes; where all are zero, the pictures are returned as they are.
    generator : Generator
        Of the random numbers, on the pictures' device: equal states give equal pictures.

    Returns
    -------
    Tensor of float32, shape (n, c, s, s)
        New pictures; the old ones stay as they are.
    """
    count = len(pictures)

    def uniform(largest: float) -> Tensor:
        random = torch.rand(count, generator=generator, device=pictures.device)
        return (2 * random - 1) * largest

    if params.rotation_degrees or params.scale or params.shift or params.flip:
        angle = uniform(math.radians(params.rotation_degrees))
        # Where a pixel comes from, not where it goes: hence the inverse of the scale.
        zoom = 1 / (1 + uniform(params.scale))
        mirror = torch.where(uniform(1) < 0, -1.0, 1.0) if params.flip else torch.ones_like(zoom)
        cosine, sine = torch.cos(angle) * zoom, torch.sin(angle) * zoom
        # Coordinates run from -1 to 1, so that a share of the picture counts twice.
        across, down = 2 * uniform(params.shift), 2 * uniform(params.shift)
        rows = [cosine * mirror, -sine, across, sine * mirror, cosine, down]
        moves = torch.stack(rows, dim=1).view(count, 2, 3)
        grid = functional.affine_grid(moves, list(pictures.shape), align_corners=False)
        pictures = functional.grid_sample(
            pictures, grid, padding_mode="border", align_corners=False
        )
    if params.contrast:
        pictures = pictures * (1 + uniform(params.contrast)).view(-1, 1, 1, 1)
    if params.brightness:
        pictures = pictures + uniform(params.brightness).view(-1, 1, 1, 1)
    if params.noise:
        noise = torch.empty_like(pictures).normal_(0, params.noise, generator=generator)
        pictures = pictures + noise
    if params.erase:
        pictures = _erase(pictures, params.erase, generator)
    return pictures


def _erase(pictures: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    """Hide a patch, an eighth to a half as high and wide as the picture, under its mean of zero.

    Random erasing: Zhong, Zheng, Kang, Li and Yang (2020), arXiv:1708.04896.
    """
    count, _, height, width = pictures.shape
    random = torch.rand(5, count, 1, generator=generator, device=pictures.device)
    half_height, half_width = 1 / 16 + random[0] * 3 / 16, 1 / 16 + random[1] * 3 / 16
    down = (torch.arange(height, device=pictures.device) + 0.5) / height
    across = (torch.arange(width, device=pictures.device) + 0.5) / width
    rows = ((down - random[2]).abs() < half_height) & (random[4] < probability)
    columns = (across - random[3]).abs() < half_width
    return pictures.masked_fill((rows[:, :, None] & columns[:, None, :])[:, None], 0.0)
