"""The certificate of conformance: what agrees with the paper, what differs, and what could not be seen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from googlenet.conformance.comparison import Finding
from googlenet.spec import INPUT
from googlenet.variants import paper

_LISTED = 6  # names of layers that differ in the same way


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """Whether ``subject`` is the paper's GoogLeNet.

    ``statement`` says, of a network of another shape altogether, what shows that; then nothing else is said. ``notes``
    are no differences: what was not there to be seen.
    """

    subject: str
    findings: tuple[Finding, ...] = ()
    heads: bool = True
    statement: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def conforms(self) -> bool:
        """Whether nothing differs."""
        return self.statement is None and not self.findings

    @property
    def layers(self) -> dict[str, tuple[Finding, ...]]:
        """Every layer of the paper that was looked for -> what differs in it, nothing where it agrees."""
        if self.statement is not None:
            return {}
        found: dict[str, list[Finding]] = {layer.name: [] for layer in paper(aux_heads=self.heads).layers}
        for finding in self.findings:
            found.setdefault(finding.layer, []).append(finding)
        return {name: tuple(differences) for name, differences in found.items()}

    def as_json(self) -> dict[str, Any]:
        """All of it, as JSON values."""
        return {
            "subject": self.subject,
            "conforms": self.conforms,
            "statement": self.statement,
            "auxiliary_heads": self.heads if self.statement is None else None,
            "differences": [asdict(finding) for finding in self.findings],
            "layers": [{"name": name, "agrees": not differences} for name, differences in self.layers.items()],
            "notes": list(self.notes),
        }

    def as_text(self) -> str:
        """For a reader: the verdict, the differences, those of one kind together, and every block of the network."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        verdict = "conforms to the paper" if self.conforms else "does not conform to the paper"
        yield f"{self.subject}: {verdict}" + (f": {self.statement}" if self.statement else "")
        if self.findings:
            yield ""
            yield "What differs"
            yield from (f"  {line}" for line in _together(self.findings))
        if self.statement is None:
            yield ""
            yield "Layer by layer"
            yield from _blocks(self.layers)
        if self.notes:
            yield ""
            yield from (f"note: {note}" for note in self.notes)


def _together(findings: Sequence[Finding]) -> Iterator[str]:
    """One line for all the layers that differ in the same way."""
    alike: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in findings:
        alike[finding.kind, _pattern(finding)].append(finding)
    for group in alike.values():
        first, *others = group
        names = [finding.layer for finding in others]
        if not names:
            yield first.says
        elif len(names) <= _LISTED:
            yield f"{first.says}; likewise {', '.join(names)}"
        else:
            yield f"{first.says}; likewise {len(names)} more, from {names[0]} to {names[-1]}"


def _pattern(finding: Finding) -> str:
    """The sentence without the name of its layer."""
    block, _, layer = finding.layer.partition("/")
    words = finding.says.replace(finding.layer, "…").replace(block, "…")
    return words.replace(block.removeprefix("inception_"), "…") if layer == "output" else words


def _blocks(layers: dict[str, tuple[Finding, ...]]) -> Iterator[str]:
    blocks: dict[str, dict[str, tuple[Finding, ...]]] = defaultdict(dict)
    for name, findings in layers.items():
        block, _, layer = name.partition("/")
        blocks[block][layer] = findings
    for block, parts in blocks.items():
        agreed = [layer for layer, findings in parts.items() if not findings]
        lines = [f"{layer or INPUT} ({', '.join(_kinds(findings))})" for layer, findings in parts.items() if findings]
        words = [f"{len(agreed)} of {len(parts)} agree"] if lines and agreed else ["agrees"] if agreed else []
        yield f"  {block:<13} " + "; ".join([*words, *([f"differs: {', '.join(lines)}"] if lines else [])])


def _kinds(findings: Sequence[Finding]) -> list[str]:
    return list(dict.fromkeys(finding.kind for finding in findings))
