"""Where a program leaves the contract first, and what it does there instead.

Mistakes are found one after the other: once one explains the trace at its step, what follows is compared with the right
pipeline *with that mistake*, so that a second one shows too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from googlenet.export.contract import Contract, Export
from googlenet.export.hypotheses import Hypothesis, hypotheses
from googlenet.export.logit_words import words_for_logits
from googlenet.export.stages import STAGES, Array, Pipeline, Stage, pipeline, summarise
from googlenet.export.targets import ExportEngine, open_export
from googlenet.export.trace import Trace
from googlenet.export.verify import Fault, Verdict, tolerance

_AFTER_FAULT = 3  # times the tolerance: nobody makes a mistake in exactly our way
_FIT = 0.03  # of the largest logit: how near a mistake's logits must come to be taken for the cause
_UNKNOWN = "no mistake known here explains it"

Logits = Mapping[str, NDArray[np.float64]]


def diagnose(export: Export, trace: Trace) -> Verdict:
    """Compare a trace with the contract. Raises what opening the export raises, where its logits are needed."""
    return _Diagnosis(export, trace).verdict()


@dataclass(frozen=True)
class _Off:
    """A step that is off, the last one before it that was written down, and the probes that show it."""

    stage: Stage
    before: Stage | None
    probes: tuple[str, ...]


class _Diagnosis:
    def __init__(self, export: Export, trace: Trace) -> None:
        self._export, self._contract, self._trace = export, export.contract, trace
        self._content = dict(export.probes())
        self._known = hypotheses(self._contract.preprocessing, self._contract.input.layout)
        self._engine: ExportEngine | None = None

    def verdict(self) -> Verdict:
        steps = pipeline(self._contract.preprocessing, self._contract.input.layout)
        faults: list[Fault] = []
        after = 0
        while off := self._first_off(steps, after):
            after = STAGES.index(off.stage) + 1
            explanation = self._explain(off, steps)
            if explanation is None:
                faults.append(Fault(off.stage, _UNKNOWN, off.probes))
                return self._verdict(faults, None)
            faults.append(Fault(explanation.stage, explanation.words, off.probes))
            steps = explanation.apply(steps)
        difference = None
        if self._trace.logits:
            difference, wrong = self._judge_logits(steps, known_faults=bool(faults))
            faults += wrong
        return self._verdict(faults, difference)

    def _verdict(self, faults: list[Fault], difference: float | None) -> Verdict:
        checked = dict.fromkeys(STAGES, 0)
        identical = 0
        for name, found in self._trace.summaries.items():
            for stage, summary in found.items():
                checked[stage] += 1
                expected = self._contract.probes[name].stages.get(stage)
                identical += expected is not None and expected.sha256 == summary.sha256
        checked["logits"] = len(self._trace.logits)
        return Verdict(checked, identical, difference, tuple(faults))

    def _first_off(self, steps: Pipeline, after: int) -> _Off | None:
        """The first step, from the one numbered ``after``, at which the trace is not what ``steps`` make."""
        wrong: dict[Stage, list[str]] = {}
        for name, found in self._trace.summaries.items():
            previous = None
            for stage, array in _as_far_as_it_goes(steps, self._content[name]):
                if stage not in found:
                    previous = None
                    continue
                expected = summarise(array)
                allowed = tolerance(self._contract, stage, previous) * (_AFTER_FAULT if after else 1)
                if STAGES.index(stage) >= after and expected.distance(found[stage]) > allowed:
                    wrong.setdefault(stage, []).append(name)
                    break
                previous = (expected, found[stage])
        for stage in STAGES:
            if stage in wrong:
                return _Off(stage, self._recorded_before(stage), tuple(wrong[stage]))
        return None

    def _recorded_before(self, stage: Stage) -> Stage | None:
        recorded = self._trace.stages()
        return next((s for s in reversed(STAGES[: STAGES.index(stage)]) if s in recorded), None)

    def _candidates(self, off: _Off) -> list[Hypothesis]:
        """Mistakes in the steps between what is right and what is off."""
        first = 0 if off.before is None else STAGES.index(off.before) + 1
        inside = self._contract.steps_in_graph
        between = [stage for stage in STAGES[first : STAGES.index(off.stage) + 1] if stage not in inside]
        return [hypothesis for hypothesis in self._known if hypothesis.stage in between]

    def _explain(self, off: _Off, steps: Pipeline) -> Hypothesis | None:
        """The mistake that makes, of every probe, what the trace has at the step; the nearest where several do."""
        names = sorted(
            (name for name, found in self._trace.summaries.items() if off.stage in found),
            key=lambda name: name not in off.probes,  # a wrong guess shows at those first
        )
        right = {name: steps.run(self._content[name], off.stage) for name in names}
        best, nearest = None, float("inf")
        for hypothesis in self._candidates(off):
            distance = self._distance(hypothesis, steps, off.stage, right, limit=nearest)
            if distance < nearest:
                best, nearest = hypothesis, distance
        return best

    def _distance(
        self,
        hypothesis: Hypothesis,
        steps: Pipeline,
        stage: Stage,
        right: Mapping[str, Mapping[Stage, Array]],
        limit: float,
    ) -> float:
        """The greatest distance over the probes; infinite where one is beyond what is tolerated, or is no image."""
        wrong, worst = hypothesis.apply(steps), 0.0
        allowed = _AFTER_FAULT * tolerance(self._contract, stage)
        if hypothesis.unit is not None:
            allowed = _AFTER_FAULT * self._contract.tolerance.pixels * hypothesis.unit
        before = STAGES[: STAGES.index(hypothesis.stage)]
        for name, arrays in right.items():
            known = {earlier: arrays[earlier] for earlier in before}
            array = _attempt(wrong, self._content[name], stage, known)
            if array is None:
                return float("inf")
            worst = max(worst, summarise(array).distance(self._trace.summaries[name][stage]))
            if worst > allowed or worst >= limit:
                return float("inf")
        return worst

    def _judge_logits(self, steps: Pipeline, *, known_faults: bool) -> tuple[float | None, list[Fault]]:
        contract, found = self._contract, self._trace.logits
        if wrong := _wrong_count(contract, found):
            return None, [wrong]
        expected, allowed = self._expected_logits(steps, known_faults=known_faults)
        if expected is None:
            return None, []
        off = {name: _difference(contract, expected[name], found[name]) for name in found}
        worst = max(off.values())
        names = tuple(name for name, value in off.items() if not value <= allowed)
        if names:
            return worst, [self._explain_logits(names, expected, steps)]
        order = _class_order(contract, self._trace)
        return worst, [order] if order else []

    def _expected_logits(self, steps: Pipeline, *, known_faults: bool) -> tuple[Logits | None, float]:
        """What the network answers to what the program feeds it, and how near to that it must come."""
        contract, found = self._contract, self._trace.logits
        strict, loose = contract.tolerance.logits, contract.tolerance.loose_logits
        if all(name in self._trace.inputs for name in found) and not contract.steps_in_graph:
            return self._ask({name: self._trace.inputs[name].astype(np.float32) for name in found}), strict
        if known_faults:
            return self._ask({name: steps.run(self._content[name])["normalise"] for name in found}), loose
        expected = {name: np.array(contract.probes[name].logits) for name in found}
        last = self._recorded_before("logits")
        same = last == ("orient" if contract.steps_in_graph else "normalise") and all(
            (summary := self._trace.summaries.get(name, {}).get(last)) is not None
            and summary.sha256 == contract.probes[name].stages[last].sha256
            for name in found
        )
        return expected, strict if same else loose

    def _ask(self, images: Mapping[str, Array]) -> Logits | None:
        """The export's own logits; None where the images do not fit into it."""
        shape = tuple(self._contract.input.shape[1:])
        if any(image.shape != shape for image in images.values()):
            return None
        self._engine = self._engine or open_export(self._export)
        logits = self._engine.raw(np.stack(list(images.values())))
        return dict(zip(images, logits.astype(np.float64), strict=True))

    def _explain_logits(self, off: tuple[str, ...], expected: Logits, steps: Pipeline) -> Fault:
        found = self._trace.logits
        right, traced = np.stack([expected[name] for name in found]), np.stack(list(found.values()))
        if words := words_for_logits(self._contract, right, traced):
            return Fault("logits", words, off)
        cause = self._cause_before(steps, off)
        return Fault(cause.stage, cause.words, off) if cause else Fault("logits", _UNKNOWN, off)

    def _cause_before(self, steps: Pipeline, off: tuple[str, ...]) -> Hypothesis | None:
        """A mistake in a step that was not written down whose logits are those of the trace."""
        if self._contract.steps_in_graph:
            return None
        seen: set[bytes] = set()
        best, nearest = None, _FIT
        rest = [name for name in self._trace.logits if name not in off]
        for hypothesis in self._candidates(_Off("logits", self._recorded_before("logits"), off)):
            wrong, worst = hypothesis.apply(steps), 0.0
            for names in (off[:2], (*off[2:], *rest)):  # a wrong guess shows at the first two already
                if worst < nearest and names:
                    images = {name: _attempt(wrong, self._content[name], "normalise", {}) for name in names}
                    worst = max(worst, self._logit_distance(images, seen))
            if worst < nearest:
                best, nearest = hypothesis, worst
        return best

    def _logit_distance(self, images: Mapping[str, Array | None], seen: set[bytes]) -> float:
        """How far the logits of ``images`` are from the trace's; infinite for what was ``seen`` or is no input."""
        whole = {name: image for name, image in images.items() if image is not None}
        digest = _digest(whole)
        if len(whole) < len(images) or digest in seen or (logits := self._ask(whole)) is None:
            return float("inf")
        seen.add(digest)
        return max(_difference(self._contract, own, self._trace.logits[name]) for name, own in logits.items())


def _as_far_as_it_goes(steps: Pipeline, content: bytes) -> Iterator[tuple[Stage, Array]]:
    """Each step's result, up to one that is no picture of three channels: what becomes of that nobody can tell."""
    known: dict[Stage, Array] = {}
    for stage in STAGES[:-1]:
        array = _attempt(steps, content, stage, known)
        if array is None:
            return
        known[stage] = array
        yield stage, array
        if stage != "normalise" and (array.ndim != 3 or array.shape[2] != 3):
            return


def _attempt(steps: Pipeline, content: bytes, stage: Stage, known: Mapping[Stage, Array]) -> Array | None:
    """What wrong steps make at ``stage``; None where one of them cannot take what the one before gives."""
    try:
        return steps.run(content, stage, known)[stage]
    except (ValueError, TypeError, IndexError):
        return None


def _digest(images: Mapping[str, Array]) -> bytes:
    digest = hashlib.sha256()
    for name, image in images.items():
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(image).data)
    return digest.digest()


def _difference(contract: Contract, expected: NDArray[np.float64], found: NDArray[np.float64]) -> float:
    return float(np.abs(expected - found).max() / contract.largest_logit)


def _wrong_count(contract: Contract, found: Logits) -> Fault | None:
    classes = len(contract.classes)
    names = tuple(name for name, logits in found.items() if logits.shape != (classes,))
    if not names:
        return None
    return Fault("logits", f"{len(found[names[0]])} values where the model has {classes} classes", names)


def _class_order(contract: Contract, trace: Trace) -> Fault | None:
    if trace.classes is None:
        return None
    for words in ([part.id for part in contract.classes], [part.name for part in contract.classes]):
        if list(trace.classes) == words:
            return None
    return Fault("logits", "classes reordered: the names are not in the contract's order", ())
