"""A network beside the paper's -> what differs, each by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from googlenet.conformance.alignment import paper_network
from googlenet.conformance.parts import BRANCHES, Network, Pair, Part
from googlenet.spec import AUX_HEADS, LRN, OUTPUTS

_LRN_TOLERANCE = 0.02  # relative; what a measurement of the constants is good for
_DROPOUT_TOLERANCE = 0.005


@dataclass(frozen=True)
class Finding:
    """One difference: the paper's layer that it is about, its kind in one word, and the sentence for a reader."""

    layer: str
    kind: str
    says: str


def compare(found: Network, *, dropout: bool = True) -> list[Finding]:
    """What differs from the paper, in the order of its layers.

    ``dropout``: whether the network was seen in training; otherwise there must be none. A network without auxiliary
    heads is compared without them; one with a single head lacks the other.
    """
    expected = _expected(found)
    findings: list[Finding] = []
    if found.transform is not None:
        findings.append(Finding("data", "input", f"the input is {found.transform} before conv1 (input transform)"))
    for name, part in expected.parts.items():
        if name not in found.parts:
            findings.append(Finding(name, "missing", _missing(name)))
        else:
            findings += _part_findings(name, part, found.parts[name], dropout=dropout)
    for layer, words in found.extra:
        findings.append(Finding(layer, "extra", words))
    findings += _order_findings(found, expected)
    findings += _head_findings(found, expected)
    places = {name: place for place, name in enumerate(("data", *expected.parts))}
    return sorted(findings, key=lambda finding: places.get(finding.layer, len(places)))


def _expected(found: Network) -> Network:
    """The paper's network with the heads, and for the classes, that were found."""
    network = paper_network()
    classes = found.parts[OUTPUTS["main"]].width if OUTPUTS["main"] in found.parts else None
    parts = dict(network.parts)
    for name in OUTPUTS.values():
        parts[name] = replace(parts[name], width=classes)
    if not found.heads:
        parts = {name: part for name, part in parts.items() if not name.startswith(("loss1/", "loss2/"))}
    return replace(network, parts=parts, heads=network.heads if found.heads else {})


def _part_findings(name: str, paper: Part, found: Part, *, dropout: bool) -> Iterator[Finding]:
    if found.kind != paper.kind:
        yield Finding(name, "kind", f"{short(name)} takes the {_pooling(found)} of each window, the paper the other")
    if paper.width is not None and found.width != paper.width:
        what = "kernels" if paper.kind == "conv" else "outputs"
        yield Finding(name, "width", f"{name} has {found.width} {what}, the paper's has {paper.width}")
    yield from _window_findings(name, paper, found)
    if found.kind in ("conv", "linear") and paper.bias and not found.bias and not found.norm:
        yield Finding(name, "bias", f"{name} has no bias: it was dropped")
    if found.norm:
        dropped = "" if found.bias else ", in place of the bias"
        yield Finding(name, "norm", f"batch norm after {name}{dropped}")
        if not found.bias:
            yield Finding(name, "bias", f"{name} has no bias of its own")
    if paper.relu and not found.relu:
        yield Finding(name, "relu", f"ReLU missing after {name}")
    if found.relu and not paper.relu and found.kind == "linear":
        yield Finding(name, "relu", f"a ReLU after {name}, where the paper has none")
    yield from _lrn_findings(name, paper.lrn, found.lrn)
    yield from _dropout_findings(name, paper.dropout if dropout else 0.0, found.dropout, training=dropout)
    if found.other is not None:
        yield Finding(name, "other", f"what comes out of {name} does not reach the next layer as it is: {found.other}")


def _window_findings(name: str, paper: Part, found: Part) -> Iterator[Finding]:
    own, theirs = found.window, paper.window
    if own == theirs or theirs is None:
        return
    if own is None:
        yield Finding(name, "kernel", f"{name} covers the whole map, the paper's has a {_by(theirs.kernel)} kernel")
    elif own.adaptive:
        yield Finding(
            name,
            "kernel",
            f"{short(name)} is adaptive to {_by(own.count)} (windows of unequal steps), the paper's is "
            f"{_by(theirs.kernel)} with stride {_steps(theirs.stride)}",
        )
    elif own.kernel != theirs.kernel:
        yield Finding(name, "kernel", _kernel(name, paper, own.kernel, theirs.kernel))
    elif own.stride != theirs.stride:
        yield Finding(
            name, "stride", f"{name} has stride {_steps(own.stride)}, the paper's has {_steps(theirs.stride)}"
        )
    elif own.before != theirs.before or own.count != theirs.count:
        yield Finding(name, "padding", _padding(name, own.before, own.count, theirs.before, theirs.count))
    elif own.dilation != theirs.dilation:
        yield Finding(name, "dilation", f"{name} is dilated by {_steps(own.dilation)}, the paper's is not")
    else:
        yield Finding(name, "groups", f"{name} works in {own.groups} groups of channels, the paper's in one")


def _kernel(name: str, paper: Part, own: Pair, theirs: Pair) -> str:
    block, layer = name.split("/")
    if layer == "5x5":
        return f"5×5 branch of {block} has a {_by(own)} kernel"
    if paper.kind == "conv":
        return f"{name} has a {_by(own)} kernel, the paper's is {_by(theirs)}"
    return f"{short(name)} is {_by(own)}, the paper's is {_by(theirs)}"


def _padding(name: str, before: Pair, count: Pair, paper_before: Pair, paper_count: Pair) -> str:
    if before != paper_before:
        return f"{name} is padded by {_pixels(before)} above and on the left, the paper's by {_pixels(paper_before)}"
    return f"{name} gives {_by(count)} values per channel, the paper's {_by(paper_count)}"


def _lrn_findings(name: str, paper: LRN | None, found: LRN | None) -> Iterator[Finding]:
    layer = {"pool1/3x3_s2": "pool1/norm1", "conv2/3x3": "conv2/norm2"}.get(name, name)
    after = short(name)
    if paper is None and found is not None:
        yield Finding(layer, "lrn", f"an LRN after {after}, where the paper has none")
    elif paper is not None and found is None:
        yield Finding(layer, "lrn", f"no LRN after {after}")
    elif paper is not None and found is not None:
        if found.size != paper.size:
            yield Finding(layer, "lrn", f"the LRN after {after} sums over {found.size} channels, not {paper.size}")
        elif not _near(found.alpha, paper.alpha) and _near(found.alpha, paper.alpha * paper.size):
            yield Finding(
                layer,
                "lrn",
                f"the LRN after {after} does not divide α by n: each square counts {found.alpha / found.size:g}, "
                f"not {paper.alpha:g} / {paper.size} = {paper.alpha / paper.size:g}",
            )
        elif not _near(found.alpha, paper.alpha):
            yield Finding(layer, "lrn", f"α of the LRN after {after} is {found.alpha:g}, not {paper.alpha:g}")
        for sign, own, theirs in (("β", found.beta, paper.beta), ("k", found.k, paper.k)):
            if not _near(own, theirs):
                yield Finding(layer, "lrn", f"{sign} of the LRN after {after} is {own:g}, not {theirs:g}")


def _dropout_findings(name: str, paper: float, found: float, *, training: bool) -> Iterator[Finding]:
    if abs(found - paper) <= _DROPOUT_TOLERANCE:
        return
    layer = {"pool5/7x7_s1": "pool5/drop_7x7_s1", "loss1/fc": "loss1/drop_fc", "loss2/fc": "loss2/drop_fc"}.get(
        name, name
    )
    if not training:
        yield Finding(layer, "dropout", f"dropout after {name} does not end with the training")
    elif not paper:
        yield Finding(layer, "dropout", f"dropout of {found:.0%} after {name}, where the paper has none")
    elif not found:
        yield Finding(layer, "dropout", f"no dropout after {name}, the paper's is {paper:.0%}")
    else:
        yield Finding(layer, "dropout", f"dropout after {name} is {found:.0%}, the paper's is {paper:.0%}")


def _order_findings(found: Network, expected: Network) -> Iterator[Finding]:
    for module, order in found.order.items():
        present = tuple(branch for branch in BRANCHES if branch in order)
        if order != present:
            yield Finding(
                f"inception_{module}/output",
                "order",
                f"wrong channel order: the branches of inception_{module} are concatenated as {', '.join(order)}; "
                f"the paper's order is {', '.join(expected.order[module])}",
            )


def _head_findings(found: Network, expected: Network) -> Iterator[Finding]:
    if found.swapped is not None:
        yield Finding("loss1/classifier", "swapped", f"auxiliary outputs swapped: {found.swapped}")
    for module, head in AUX_HEADS.items():
        if head in expected.heads and found.heads.get(head, f"inception_{module}") != f"inception_{module}":
            yield Finding(
                f"{head}/ave_pool",
                "place",
                f"auxiliary head {head} hangs off {found.heads[head]}, the paper's off inception_{module}",
            )


def _missing(name: str) -> str:
    block, layer = name.split("/")
    if layer.endswith("_reduce") and block != "conv2":
        branch = layer.removesuffix("_reduce").replace("x", "×")
        return f"1×1 reduction before the {branch} convolution of {block} is missing"
    return f"{short(name)} is missing"


def short(name: str) -> str:
    """A pooling by its short name, as people say it: ``pool4`` for ``pool4/3x3_s2``."""
    block, _, layer = name.partition("/")
    return block if block.startswith("pool") and "norm" not in layer and "drop" not in layer else name


def _pooling(part: Part) -> str:
    return "maximum" if part.kind == "max_pool" else "mean"


def _near(value: float, paper: float) -> bool:
    return abs(value - paper) <= _LRN_TOLERANCE * paper


def _by(pair: Pair) -> str:
    return f"{pair[0]}×{pair[1]}"


def _steps(pair: Pair) -> str:
    return str(pair[0]) if pair[0] == pair[1] else _by(pair)


def _pixels(pair: Pair) -> str:
    return f"{_steps(pair)} px"
