"""The numbers that the paper prints in its Table 1, and why some of them are not those of its own columns.

Its «K» is 1024, its «M» 10⁶, its parameters leave out the biases or not, and are rounded down or to the nearest.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from googlenet.describe.table import Block, compute_table
from googlenet.variants import paper

KIBI = 1024


@dataclass(frozen=True)
class Printed:
    """A row of the paper's two last columns: parameters in K, operations in M."""

    parameters: float
    operations: int


PRINTED = {
    "conv1": Printed(2.7, 34),
    "conv2": Printed(112, 360),
    "inception_3a": Printed(159, 128),
    "inception_3b": Printed(380, 304),
    "inception_4a": Printed(364, 73),
    "inception_4b": Printed(437, 88),
    "inception_4c": Printed(463, 100),
    "inception_4d": Printed(580, 119),
    "inception_4e": Printed(840, 170),
    "inception_5a": Printed(1072, 54),
    "inception_5b": Printed(1388, 71),
    "loss3": Printed(1000, 1),
}

_UNKNOWN = "The printed parameters fit no widths that are known; the printed operations are right."

REASONS = {
    "conv1": "Printed are (7+7)·3·64 = 2,688 weights and 112·112 times as many operations; 7·7·3·64 is 9,408.",
    "inception_4a": "Both printed numbers are those of 204 kernels of 3×3; the table's own column says 208.",
    "inception_4b": "Printed for 508 input channels, which a 4a with 204 kernels of 3×3 would give; it gives 512.",
    "inception_4c": _UNKNOWN,
    "inception_4d": _UNKNOWN,
    "inception_4e": _UNKNOWN,
    "inception_5a": "The printed operations are those of a 5×5 reduction to 48, as in Google's released graph; the "
    "table's own column says 32. The printed parameters fit neither.",
    "inception_5b": _UNKNOWN,
}


@dataclass(frozen=True, kw_only=True)
class Disagreement:
    """A row where a printed number is not the computed one."""

    name: str
    printed: Printed
    weights: int
    macs: int
    reason: str


def printed_parameters(block: Block) -> float | None:
    """What the paper prints for the parameters of ``block``, in K; None where the block is not the paper's."""
    same = block.name in PRINTED and block.weights == _paper_block(block.name).weights
    return PRINTED[block.name].parameters if same else None


def printed_operations(block: Block) -> int | None:
    """What the paper prints for the operations of ``block``, in M; None where they are not the paper's."""
    same = block.name in PRINTED and block.macs == _paper_block(block.name).macs
    return PRINTED[block.name].operations if same else None


def disagreements(blocks: Iterable[Block]) -> tuple[Disagreement, ...]:
    """The paper's rows among ``blocks`` whose printed numbers do not follow from their printed columns."""
    return tuple(
        Disagreement(
            name=block.name,
            printed=PRINTED[block.name],
            weights=block.weights,
            macs=block.macs,
            reason=REASONS[block.name],
        )
        for block in blocks
        if printed_parameters(block) is not None and printed_operations(block) is not None and not _agrees(block)
    )


def _agrees(block: Block) -> bool:
    printed, biased = PRINTED[block.name], _paper_block(block.name).parameters
    return (
        block.weights // KIBI <= printed.parameters <= round(biased / KIBI)
        and round(block.macs / 1e6) == printed.operations
    )


def _paper_block(name: str) -> Block:
    return _PAPER[name]


_PAPER = {block.name: block for block in compute_table(paper(aux_heads=False)).blocks}
