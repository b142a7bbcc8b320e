"""The photometric distortions that the paper takes from Howard, framework-free.

Howard, *Some Improvements on Deep Convolutional Neural Network Based Image Classification*, arXiv 1312.5402, section
2.2: brightness, contrast and colour by factors of 0.5 to 1.5 in random order, then the lighting noise of Krizhevsky et
al. 2012, section 4.1: multiples of the principal components of ImageNet's colours, N(0, 0.1) times their eigenvalues.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageEnhance

_FACTORS = (0.5, 1.5)
_ENHANCERS = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)
_LIGHTING = 0.1

# Of RGB values 0-1, one component a column; as facebookarchive/fb.resnet.torch, datasets/imagenet.lua, gives them.
_EIGENVALUES = np.array([0.2175, 0.0188, 0.0045])
_EIGENVECTORS = np.array([[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140], [-0.5836, -0.6948, 0.4203]])


def distort(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A changed copy of an RGB picture."""
    for i in rng.permutation(len(_ENHANCERS)):
        image = _ENHANCERS[i](image).enhance(rng.uniform(*_FACTORS))
    light = 255 * _EIGENVECTORS @ (rng.normal(0, _LIGHTING, 3) * _EIGENVALUES)
    pixels = np.asarray(image, np.float32) + light.astype(np.float32)
    return Image.fromarray(np.clip(np.round(pixels), 0, 255).astype(np.uint8))
