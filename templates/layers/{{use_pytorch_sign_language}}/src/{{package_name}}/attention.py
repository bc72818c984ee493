"""Where a network looks: the places of a picture that speak for a sign."""

import torch
from torch import Tensor
from torch.nn import functional

from .networks.network import Network


def attention(network: Network, pictures: Tensor, labels: Tensor) -> Tensor:
    """Return a heat map for each picture, by Grad-CAM.

    Selvaraju and others (2017), arXiv:1610.02391: the map of features is summed over its channels,
    each weighted by how much it raises the label's logit, and only what speaks for the label is
    kept.

    Parameters
    ----------
    network : Network
        In evaluation mode.
    pictures : Tensor of float32, shape (n, c, s, s)
        Standardised.
    labels : Tensor of int64, shape (n,)
        The sign to explain, for each picture.

    Returns
    -------
    Tensor of float32, shape (n, s, s)
        From 0 to 1, which is the most telling place; all zero where nothing speaks for the label.
    """
    with torch.no_grad():
        maps = network.features(pictures)
    maps.requires_grad_()
    logits = network.classify(maps).gather(1, labels[:, None])
    (slopes,) = torch.autograd.grad(logits.sum(), maps)
    heat = (slopes.mean((2, 3), keepdim=True) * maps.detach()).sum(1, keepdim=True).relu()
    heat = functional.interpolate(
        heat, size=pictures.shape[2:], mode="bilinear", align_corners=False
    )[:, 0]
    most = heat.amax((1, 2), keepdim=True)
    return heat / torch.where(most > 0, most, 1.0)
