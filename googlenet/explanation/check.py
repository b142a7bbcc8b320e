"""Whether explanations of a model deserve trust: tests that a right explanation passes and a pretty picture may not.

- Completeness (Sundararajan et al., ICML 2017): integrated gradients add up to the change of the score.
- Randomisation (Adebayo et al., *Sanity Checks for Saliency Maps*, NeurIPS 2018): a map that hardly changes when every
  weight is drawn anew shows the photograph, not the model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from googlenet.errors import MissingExtraError
from googlenet.explanation.explain import Explainer, Method, Progress
from googlenet.explanation.maps import answer_targets
from googlenet.explanation.ranks import rank_correlation
from googlenet.explanation.view import View
from googlenet.weights.model_file import SealedModel

MOST_CORRELATION = 0.3
"""The mean rank correlation with the maps of randomised networks from which on a method fails."""

_DRAWS = 5
_FEWEST_PLACES = 9  # fewer cannot be ranked to any purpose

PLANTED = (
    "A planted patch that must light up: only a model trained to depend on such a patch can show it; this project's "
    "tests train one."
)


@dataclass(frozen=True)
class Finding:
    """The outcome of one test."""

    test: str  # completeness or randomisation
    method: Method
    passed: bool
    words: str
    figures: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """The entry of ``findings`` in ``googlenet explain --check --json`` (docs/cli.md)."""
        return {"test": self.test, "method": self.method, "passed": self.passed, **self.figures}


@dataclass(frozen=True)
class Trust:
    """All findings, and what could not be tested, in words."""

    findings: tuple[Finding, ...]
    untested: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether no test failed."""
        return all(finding.passed for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """The document of ``googlenet explain --check --json`` (docs/cli.md)."""
        return {
            "passed": self.passed,
            "findings": [finding.as_json() for finding in self.findings],
            "untested": list(self.untested),
        }


def check(
    explainer: Explainer,
    views: Sequence[View],
    methods: Sequence[Method],
    layer: str | None,
    *,
    progress: Progress = lambda done, total: None,
) -> Trust:
    """Test completeness on every view, and randomisation of each method over all of them.

    Raises what ``Explainer.explain`` raises; without PyTorch, completeness is left untested.
    """
    steps = len(views) * (1 + len(methods) * (1 + _DRAWS))
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        progress(done, steps)

    findings: list[Finding] = []
    untested: list[str] = []
    try:
        for view in views:
            findings.append(_completeness(explainer, view))
            step()
    except MissingExtraError as error:
        untested.append(f"Completeness of integrated gradients: {error}.")
    for method in methods:
        found = _randomisation(explainer, views, method, layer, step)
        if isinstance(found, Finding):
            findings.append(found)
        else:
            untested.append(found)
    return Trust(tuple(findings), (*untested, PLANTED))


def _completeness(explainer: Explainer, view: View) -> Finding:
    from googlenet.explanation.gradients import TOLERANCE

    found = explainer.explain(view, "integrated-gradients")
    rows: list[dict[str, Any]] = []
    for question, part in zip(("answer", "against_runner_up"), found.maps, strict=False):
        change = part.score - (part.constant or 0)
        allowed = TOLERANCE * max(1, abs(change))
        rows.append({"question": question, "sum": part.sum, "change": change, "error": part.error, "allowed": allowed})
    passed = all((row["error"] or 0) <= row["allowed"] for row in rows)
    words = "; ".join(f"sum {row['sum']:.4g} of {row['change']:.4g}" for row in rows)
    figures = {"path": view.path, "steps": found.steps, "maps": rows}
    return Finding(
        "completeness", "integrated-gradients", passed, f"{view.path}: {words} ({found.steps} steps)", figures
    )


def _randomisation(
    explainer: Explainer, views: Sequence[View], method: Method, layer: str | None, step: Any
) -> Finding | str:
    targets, maps = [], []
    for view in views:
        found = explainer.explain(view, method, layer)
        targets.append(answer_targets(found.logits)[:1])
        maps.append(found.for_answer.values)
        step()
    if maps[0].size < _FEWEST_PLACES:
        return f"Randomisation of {method}: its maps have {maps[0].size} places, too few to rank; take larger pictures."
    draws = []
    for seed in range(_DRAWS):
        other = Explainer(randomised(explainer.model, seed))
        correlations = []
        for view, wanted, values in zip(views, targets, maps, strict=True):
            drawn = other.explain(view, method, layer, targets=wanted).for_answer.values
            correlations.append(rank_correlation(values, drawn))
            step()
        draws.append(float(np.mean(correlations)))
    mean = float(np.mean(draws))
    words = f"mean rank correlation {mean:.2f} with {_DRAWS} randomised networks on {len(views)} photographs"
    figures = {"layer": layer, "correlation": mean, "draws": draws, "allowed": MOST_CORRELATION}
    return Finding("randomisation", method, mean < MOST_CORRELATION, words, figures)


def randomised(model: SealedModel, seed: int) -> SealedModel:
    """The model with the values of every tensor shuffled: each layer keeps its scale and loses what it learned.

    A layer's tensors of one value per channel are shuffled alike, so that a batch norm's parts stay together.
    """
    rng = np.random.default_rng(seed)
    orders: dict[tuple[str, int], NDArray[np.int64]] = {}
    tensors = {}
    for name, values in model.tensors.items():
        if values.ndim == 1:
            layer = name.removesuffix("/bias").split("/norm/")[0]
            order = orders.setdefault((layer, len(values)), rng.permutation(len(values)))
        else:
            order = rng.permutation(values.size)
        tensors[name] = values.ravel()[order].reshape(values.shape)
    return replace(model, tensors=tensors)


def report_lines(trust: Trust) -> Iterator[str]:
    """The findings for people, one line each."""
    for finding in trust.findings:
        state = "passed" if finding.passed else "FAILED"
        yield f"{state}  {finding.test} of {finding.method}: {finding.words}"
    for words in trust.untested:
        yield f"not tested  {words}"
