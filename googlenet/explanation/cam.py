"""Class activation maps, exactly: no gradients, any engine.

Zhou et al., *Learning Deep Features for Discriminative Localization*, CVPR 2016. After the last module GoogLeNet
averages each channel over all places, and the classifier is linear:

    logit_c = bias_c + sum_k weight_ck * mean_yx f_k(y, x) = bias_c + sum_yx M_c(y, x)
    M_c(y, x) = sum_k weight_ck * f_k(y, x) / (rows * columns)

so that the map's values and the bias add up to the logit: nothing is approximated but the last digits of float32.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from googlenet.engines import Engine
from googlenet.explanation.maps import Map, answer_targets
from googlenet.spec import FEATURES, OUTPUTS, Spec
from googlenet.weights.model_file import SealedModel


def cam_layer(spec: Spec) -> str:
    """The layer whose map the classifier sees averaged: the last module's output."""
    return spec.layer(FEATURES).inputs[0]


def class_evidence(model: SealedModel, features: NDArray[np.float32], targets: ArrayLike) -> NDArray[np.float32]:
    """The maps of scores that are sums of logits.

    Args:
        model: Whose classifier weighs the channels.
        features: (channels, rows, columns), what comes out of ``cam_layer`` for one image.
        targets: (scores, classes), how much each logit counts in each score; rows of the identity give the classes'
            own maps.

    Returns:
        (scores, rows, columns). A map's sum and ``class_constants`` make the score.
    """
    weight = np.asarray(targets, np.float64) @ model.tensors[f"{OUTPUTS['main']}/weight"].astype(np.float64)
    places = features.reshape(len(features), -1).astype(np.float64)
    evidence = weight @ places / places.shape[1]
    return evidence.reshape(-1, *features.shape[1:]).astype(np.float32)


def class_constants(model: SealedModel, targets: ArrayLike) -> NDArray[np.float64]:
    """(scores,): the classifier's bias in each score."""
    constants: NDArray[np.float64] = np.asarray(targets, np.float64) @ model.tensors[f"{OUTPUTS['main']}/bias"]
    return constants


def class_activation_maps(
    model: SealedModel, engine: Engine, images: NDArray[np.float32], targets: Sequence[ArrayLike] | None = None
) -> Iterator[list[Map]]:
    """The exact maps of each of ``images``, (batch, 3, height, width), computed as one batch.

    ``targets``, one (scores, classes) per image, are ``answer_targets`` by default: for the answer, and against the
    runner-up. Raises what ``Engine.activations`` raises.
    """
    layer, main = cam_layer(model.spec), OUTPUTS["main"]
    found = engine.activations(images, [layer, main])
    for i, (features, logits) in enumerate(zip(found[layer], found[main], strict=True)):
        wanted = np.asarray(answer_targets(logits) if targets is None else targets[i], np.float64)
        rows = zip(
            class_evidence(model, features, wanted), wanted @ logits, class_constants(model, wanted), strict=True
        )
        yield [Map(values, float(score), float(constant)) for values, score, constant in rows]
