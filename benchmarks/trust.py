"""How far a model's own statements about itself hold: python benchmarks/trust.py MODEL DATA [UNKNOWN]

MODEL is a sealed model, DATA the folder that it was trained on: its validation images calibrate, its test images judge.
UNKNOWN is a folder of images of other classes. Prints the calibration error before and after; over 20 random splits of
validation and test together, how often sets of labels hold the right one, by three scores; how well known and unknown
images are told apart, by several methods.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from googlenet.data.batches import evaluation_batches
from googlenet.data.decode import EXTENSIONS
from googlenet.data.index import Split, read_dataset
from googlenet.engines import Engine, open_engine
from googlenet.engines.features import flat_features
from googlenet.engines.softmax import softmax
from googlenet.evaluation.calibrate import at_most, calibration_from, reliability_of
from googlenet.evaluation.outputs import Outputs, outputs_of
from googlenet.spec import FEATURES, OUTPUTS
from googlenet.trust.conformal import quantile
from googlenet.trust.temperature import fit_temperature
from googlenet.trust.unknown import distances, fit_known, reject_threshold
from googlenet.weights.model_file import SealedModel, read_model

SPLITS = 20
Floats = NDArray[np.float64]


def lac(probabilities: Floats) -> Floats:
    """(N, classes) scores: 1 - p (Sadinle, Lei, Wasserman 2019)."""
    return 1 - probabilities


def aps(probabilities: Floats) -> Floats:
    """The probability of all classes at least as likely (Romano, Sesia, Candès 2020), without randomisation."""
    order = np.argsort(-probabilities, 1)
    sums = np.cumsum(np.take_along_axis(probabilities, order, 1), 1)
    return np.take_along_axis(sums, np.argsort(order, 1), 1)


def raps(probabilities: Floats) -> Floats:
    """``aps`` and 0.01 more for each class after the first (Angelopoulos, Bates, Malik, Jordan 2021)."""
    return aps(probabilities) + 0.01 * np.argsort(np.argsort(-probabilities, 1), 1)


def coverage(logits: Floats, labels: NDArray[np.int32]) -> None:
    """Coverage and size of sets over random splits in half; the likeliest class is always in, as in ``predict``."""
    rows = np.arange(len(labels))
    for asked in (0.9, 0.95, 0.98):
        for score in (lac, aps, raps):
            found = []
            for seed in range(SPLITS):
                order = np.random.default_rng(seed).permutation(len(labels))
                fit, judge = order[: len(order) // 2], order[len(order) // 2 :]
                scores = score(softmax(logits / fit_temperature(logits[fit], labels[fit])))
                limit = quantile(np.sort(scores[fit, labels[fit]]), asked, "coverage")
                inside = scores[judge] <= limit
                exact = inside[rows[: len(judge)], labels[judge]].mean()
                inside[rows[: len(judge)], logits[judge].argmax(1)] = True
                covered = inside[rows[: len(judge)], labels[judge]].mean()
                found.append((exact, covered, inside.sum(1).mean()))
            exact, covered, size = np.mean(found, 0)
            print(
                f"asked {asked:.0%}, {score.__name__:4}: held {exact:.1%} (sd {np.std(found, 0)[0]:.1%}); "
                f"never empty: {covered:.1%}, {size:.2f} labels"
            )


def unknown(learned: Outputs, val: Outputs, test: Outputs, other: Outputs) -> None:
    """AUROC of known test images against others."""
    truth = np.r_[np.zeros(len(test.labels)), np.ones(len(other.logits))]
    known_classes = fit_known(learned.features, learned.labels)

    def ours(part: Outputs) -> Floats:
        return distances(part.features, known_classes)[0]

    def auroc(name: str, score: object) -> None:
        values = [score(part) for part in (test, other)]  # type: ignore[operator]
        print(f"AUROC {roc_auc_score(truth, np.concatenate(values)):.4f}  {name}")

    auroc("1 - highest probability", lambda part: 1 - softmax(part.logits).max(1))
    auroc("-log sum exp of the logits", lambda part: -np.log(np.exp(part.logits.astype(np.float64)).sum(1)))
    for name, prepare in (("length 1", unit), ("roots of length 1", lambda x: unit(np.sqrt(np.maximum(0, x))))):
        auroc(f"3 nearest training images, features of {name}", nearest(prepare(learned.features), prepare))
        auroc(f"Mahalanobis, features of {name}", whitened(learned, prepare))
    auroc("Mahalanobis, features as they are (ours)", ours)
    scores = np.sort(ours(val))
    for rate in (0.01, 0.05, 0.1):
        if rate * (len(scores) + 1) >= 1:
            limit = reject_threshold(scores, rate)
            known, strange = ((ours(part) > limit).mean() for part in (test, other))
            print(f"--false-reject {rate}: refused {known:.1%} of known test images, {strange:.1%} of the others")


def unit(features: Floats) -> Floats:
    """Each row made of length 1."""
    return features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)


def nearest(learned: Floats, prepare: object) -> object:
    """Sun, Ming, Zhu, Li, ICML 2022: the distance to the nearest images, here the mean of three."""

    def score(part: Outputs) -> Floats:
        squares = 2 - 2 * prepare(part.features) @ learned.T  # type: ignore[operator]
        return np.sqrt(np.maximum(0, np.sort(squares, 1)[:, :3])).mean(1)

    return score


def whitened(learned: Outputs, prepare: object) -> object:
    """Ours on other features."""
    known = fit_known(prepare(learned.features), learned.labels)  # type: ignore[operator]
    return lambda part: distances(prepare(part.features), known)[0]  # type: ignore[operator]


def folder_outputs(engine: Engine, model: SealedModel, folder: Path) -> Outputs:
    """The outputs for every image below ``folder``; the labels mean nothing."""
    paths = sorted(path for path in folder.rglob("*") if path.name.lower().endswith(EXTENSIONS))
    logits, features = [], []
    for batch in evaluation_batches(paths, model.preprocessing, batch_size=32, skipped=[]):
        found = engine.activations(batch.images, (OUTPUTS["main"], FEATURES))
        logits.append(found[OUTPUTS["main"]])
        features.append(flat_features(found[FEATURES]))
    return Outputs(np.zeros(sum(map(len, logits)), np.int32), np.concatenate(logits), np.concatenate(features))


def main(model_file: str, data: str, other: str | None = None) -> None:
    """Measure and print."""
    model = read_model(Path(model_file))
    settings = model.record.get("settings", {})
    dataset = read_dataset(Path(data), seed=settings.get("seed", 0), classes=model.classes, verify=False)
    engine = open_engine(model)
    val, test, learned = (
        outputs_of(engine, model.preprocessing, dataset, at_most(dataset, dataset.select(split), 2000))
        for split in (Split.VAL, Split.TEST, Split.TRAIN)
    )
    facts = calibration_from(val, "", learned).facts
    for name, part in (("validation", val), ("test", test)):
        before, after = reliability_of(part, 1.0), reliability_of(part, facts.temperature)
        right = (part.logits.argmax(1) == part.labels).mean()
        print(
            f"{name}: {len(part.labels)} images, {right:.1%} right; calibration error {before.error:.2%} before, "
            f"{after.error:.2%} after temperature {facts.temperature:.3f} (chance alone {after.noise:.2%})"
        )
    coverage(np.concatenate([val.logits, test.logits]), np.concatenate([val.labels, test.labels]))
    if other is not None:
        unknown(learned, val, test, folder_outputs(engine, model, Path(other)))


if __name__ == "__main__":
    main(*sys.argv[1:])
