"""Whether an export answers, here and now, as its contract says."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from googlenet.export.contract import Contract, Export
from googlenet.export.export import probe_logits
from googlenet.export.stages import STAGES, Stage, Summary, pipeline, summarise
from googlenet.export.targets import open_export

_EXACT = 0.02  # levels: what rounding alone does to a step whose input is the same
_ROUNDING_STEPS = ("orient", "crop", "normalise")  # given the same pixels, everybody's result is the same


@dataclass(frozen=True)
class Fault:
    """The first step that is wrong, in words that say what to mend."""

    stage: Stage
    words: str
    probes: tuple[str, ...]  # those that show it


@dataclass(frozen=True)
class Verdict:
    """What came of a verification. Without faults, everything is within the contract's tolerance."""

    checked: dict[Stage, int]  # probes by step
    identical: int  # of the steps' results, byte for byte
    logit_difference: float | None  # the greatest, fraction of the largest logit
    faults: tuple[Fault, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults

    def as_json(self) -> dict[str, Any]:
        """The document that ``googlenet verify --json`` prints (docs/cli.md)."""
        return {
            "passed": self.passed,
            "checked": self.checked,
            "identical": self.identical,
            "logit_difference": self.logit_difference,
            "faults": [asdict(fault) for fault in self.faults],
        }


def verify_export(export: Export) -> Verdict:
    """Run the probes through this machine's decoders and the export's own runtime, and compare with the contract.

    Raises ``ModelFileError`` where the model cannot be opened or answers with what is no number,
    ``MissingExtraError`` where its runtime is not installed.
    """
    contract = export.contract
    faults, checked, identical = [], dict.fromkeys(STAGES, 0), 0
    steps = pipeline(contract.preprocessing, contract.input.layout)
    wrong: dict[Stage, list[str]] = {}
    for name, content in export.probes():
        arrays = steps.run(content)
        for stage, expected in contract.probes[name].stages.items():
            found = summarise(arrays[stage])
            checked[stage] += 1
            identical += found.sha256 == expected.sha256
            if expected.distance(found) > tolerance(contract, stage):
                wrong.setdefault(stage, []).append(name)
                break
    for stage, names in wrong.items():
        words = "this machine's image library does it in another way than the one that exported"
        faults.append(Fault(stage, words, tuple(names)))
    logits = probe_logits(export, open_export(export))
    expected_logits = np.array([probe.logits for probe in contract.probes.values()])
    differences = np.abs(logits - expected_logits).max(axis=1) / contract.largest_logit
    checked["logits"] = len(differences)
    allowed = contract.tolerance.logits
    if off := [name for name, value in zip(contract.probes, differences, strict=True) if not value <= allowed]:
        words = (
            f"the runtime's answers differ by {differences.max():.1e} of the largest logit, {allowed:.0e} is allowed"
        )
        if contract.precision == "int8":
            words += ". A processor without 8-bit instructions (VNNI) saturates: take an fp32 export there"
        faults.append(Fault("logits", words, tuple(off)))
    return Verdict(checked, identical, float(differences.max()), tuple(faults))


def tolerance(contract: Contract, stage: Stage, previous: tuple[Summary, Summary] | None = None) -> float:
    """How far a cell's mean or deviation may be off at ``stage``, in the units of that stage.

    ``previous``: expected and found summary of the step just before; where they are identical, a step that only moves
    or scales pixels must be exact.
    """
    exact = (
        stage in _ROUNDING_STEPS
        and previous is not None
        and previous[1].sha256 is not None
        and previous[0].sha256 == previous[1].sha256
    )
    levels = _EXACT if exact else contract.tolerance.pixels
    return levels * max(map(abs, contract.preprocessing.scale)) if stage == "normalise" else levels
