"""Steps -> the paper's layers, by their place in the graph alone: names and classes of the module are never looked at.

The landmarks are the concatenations. Between two of them lies a chain of layers, within one lie four; each chain is
laid beside the paper's so that a layer that is missing or too many is seen as such and shifts nothing else.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from itertools import permutations

from googlenet.conformance.alignment import align, paper_network
from googlenet.conformance.gaps import Gap, answers, read
from googlenet.conformance.parts import BRANCHES, Network, Part, Window
from googlenet.conformance.recorder import Step
from googlenet.spec import LRN, TABLE_1

_MODULES = [module.name for module in TABLE_1]
_MODULE_NAMES = [f"inception_{name}" for name in _MODULES]
_WORDS = {"conv": "convolution", "linear": "fully connected layer", "max_pool": "max pooling", "avg_pool": "mean"}

Value = tuple[int, ...]  # the steps whose channels lie one after the other


class NoGoogLeNetError(Exception):
    """The network is of another shape altogether; the message says what of it shows that."""


def parse(steps: list[Step]) -> Network:
    """The network that these steps are; raises ``NoGoogLeNetError`` where the paper's modules cannot be found."""
    return _Parser(steps).parse()


def _chain(*prefixes: str) -> list[str]:
    return [name for name in paper_network().parts if name.startswith(prefixes)]


class _Parser:
    def __init__(self, steps: list[Step]) -> None:
        self.steps = steps
        self.readings = [read(step, steps) for step in steps]
        self.readers: dict[int, list[tuple[int, Gap]]] = defaultdict(list)
        for position in self._used():
            reading = self.readings[position]
            for source, gap in zip(reading.order or (), reading.gaps, strict=False):
                self.readers[source].append((position, gap))
        self.parts: dict[str, Part] = {}
        self.order: dict[str, tuple[str, ...]] = {}
        self.heads: dict[str, str] = {}
        self.extra: list[tuple[str, str]] = []
        self.trunk: dict[int, str] = {}  # a step of the main path -> the paper's name for it

    def parse(self) -> Network:
        self.modules = self._find_modules()
        source: Value = (0,)
        for name, module in zip(_MODULES, self.modules, strict=True):
            start, chains = self._branches(name, module)
            self._lay(_before(name), self._walk(start, source), f"before inception_{name}")
            self._module(name, chains)
            source = module
        outputs = self._outputs()
        return Network(
            parts=self.parts,
            order=self.order,
            heads=self.heads,
            swapped=self._swapped(outputs),
            unnamed={
                step.label: self.heads[head]
                for head, step in outputs
                if head != "loss3" and isinstance(step.label, int)
            },
            transform=self._transform(),
            extra=tuple(self.extra),
        )

    def _used(self) -> list[int]:
        """The steps that an output depends on, in order."""
        used = {position for position, step in enumerate(self.steps) if step.kind == "output"}
        for position in range(len(self.steps) - 1, -1, -1):
            if position in used:
                used |= self.steps[position].sources
        return sorted(used)

    def _find_modules(self) -> list[Value]:
        used = [position for position in self._used() if self.steps[position].kind not in ("data", "output")]
        convolutions = sum(self.steps[position].kind == "conv" for position in used)
        values = {self.readings[position].order for position in used}
        found = sorted((value for value in values if value is not None and len(value) > 1), key=max)
        if len(found) != len(_MODULES):
            where = {0: "nowhere are", 1: "in one place are"}.get(len(found), f"in {len(found)} places are")
            raise NoGoogLeNetError(
                f"it is no GoogLeNet: it has {_count(convolutions, 'convolution')}, and {where} branches concatenated; "
                f"a GoogLeNet has 57 without its heads, and {len(_MODULES)} such places"
            )
        return found

    def _branches(self, name: str, module: Value) -> tuple[Value, list[list[int]]]:
        """What all branches of a module read, and the layers of each from there on."""
        ways = [self._back(end) for end in module]
        common = [value for value in ways[0] if all(value in way for way in ways)]
        if not common:
            raise NoGoogLeNetError(f"it is no GoogLeNet: the branches of its inception_{name} have no common source")
        return common[0], [self._walk((end,), common[0]) for end in module]

    def _back(self, end: int) -> list[Value]:
        """What is read on the way back from a step, the nearest first."""
        values: list[Value] = []
        while (order := self.readings[end].order) is not None:
            values.append(order)
            if len(order) > 1 or order == (0,):
                break
            (end,) = order
        return values

    def _walk(self, value: Value, source: Value) -> list[int]:
        """The layers that lie between ``source`` and ``value``, in the order of computation."""
        chain: list[int] = []
        while value != source:
            if len(value) != 1 or value == (0,) or (order := self.readings[value[0]].order) is None:
                step = self.steps[value[0]]
                raise NoGoogLeNetError(
                    f"it is no GoogLeNet: a {_WORDS.get(step.kind, 'value')} after {_count(value[0] - 1, 'layer')} "
                    "reads outputs that are not concatenated but combined in another way"
                )
            chain.insert(0, value[0])
            value = order
        return chain

    def _module(self, name: str, chains: list[list[int]]) -> None:
        """Find out which branch is which, and lay each beside the paper's."""
        slots = max(len(BRANCHES), len(chains))
        padded = [*chains, *([] for _ in range(slots - len(chains)))]
        expected = [_branch_names(name, branch) for branch in BRANCHES] + [[]] * (slots - len(BRANCHES))
        costs = [[align(names, [self._own(i) for i in chain])[0] for names in expected] for chain in padded]

        def cost(places: tuple[int, ...]) -> float:  # of two equally good ways the one nearer to the paper's order
            return sum(costs[i][place] + 0.001 * abs(i - place) for i, place in enumerate(places))

        if slots > 6:
            raise NoGoogLeNetError(f"it is no GoogLeNet: its inception_{name} has {slots} branches, not 4")
        places = min(permutations(range(slots)), key=cost)
        for place, chain in zip(places, padded, strict=True):
            self._lay(expected[place], chain, f"in inception_{name}")
        self.order[name] = tuple(BRANCHES[place] for place in places[: len(chains)] if place < len(BRANCHES))

    def _outputs(self) -> list[tuple[str, Step]]:
        """Every output with the paper's name of its head; lays the layers of the heads beside the paper's."""
        ends = []
        for position, step in enumerate(self.steps):
            if step.kind == "output" and len(step.sources) == 1:
                chain, value = self._head_chain(position)
                ends.append((step, chain, value))
        last = self.modules[-1]
        main = [end for end in ends if end[2] == last]
        if not main:
            raise NoGoogLeNetError("it is no GoogLeNet: no output of it hangs off its ninth module")
        # The nearer to the input, the lower the number: what the outputs call themselves is judged afterwards.
        heads = sorted((end for end in ends if end[2] != last and len(end[1]) > 1), key=lambda end: max(end[2]))
        found = [("loss3", *max(main, key=lambda end: len(end[1])))]
        found += [(name, *end) for name, end in zip(("loss1", "loss2"), heads, strict=False)]
        for head, step, chain, value in found:
            names = _chain("pool5/", "loss3/") if head == "loss3" else _chain(f"{head}/")
            self._lay(names, chain, f"in {head}")
            if head != "loss3":
                self.heads[head] = self._place(value)
            classifier = f"{head}/classifier"
            if chain and classifier in self.parts:
                self._check_answer(classifier, step, chain[-1])
        return [(head, step) for head, step, _, _ in sorted(found, key=lambda end: end[0])]

    def _head_chain(self, output: int) -> tuple[list[int], Value]:
        chain: list[int] = []
        value = self.readings[output].order or ()
        while len(value) == 1 and value[0] not in self.trunk and value != (0,):
            chain.insert(0, value[0])
            value = self.readings[value[0]].order or ()
        return chain, value

    def _place(self, value: Value) -> str:
        if value in self.modules:
            return _MODULE_NAMES[self.modules.index(value)]
        return self.trunk.get(value[0], "another layer") if len(value) == 1 else "another layer"

    def _check_answer(self, classifier: str, step: Step, position: int) -> None:
        part = self.parts[classifier]
        gap = answers(self.steps[position].made, step.arrived)
        changed = {"relu": gap.relu, "dropout": gap.dropout, "other": gap.other}
        self.parts[classifier] = Part(**{**vars(part), **changed})

    def _swapped(self, outputs: Sequence[tuple[str, Step]]) -> str | None:
        """In words, an auxiliary output under the name of the other one.

        The place in a tuple says nothing: torchvision and the tutorial give the second head first, others the first.
        """
        for head, step in outputs:
            if head != "loss3" and _claim(step.label) not in (None, head):
                return f"what is returned as {step.label} hangs off {self.heads[head]}"
        return None

    def _transform(self) -> str | None:
        gaps = [gap for _, gap in self.readers[0]]
        if any(gap.scaled for gap in gaps):
            return "scaled and shifted per channel"
        if any(gap.shifted for gap in gaps):
            return None  # the paper subtracts a mean as well
        return (
            "changed by a function that the paper does not have" if any(gap.other or gap.lrn for gap in gaps) else None
        )

    def _lay(self, names: Sequence[str], chain: Sequence[int], where: str) -> None:
        """Give the layers of a chain the paper's names."""
        own = [self._own(position) for position in chain]
        before = names[0] if names else ""
        for name, place in align(names, own)[1]:
            if place is None:
                continue
            self.trunk[chain[place]] = name or where
            if name is None:
                self.extra.append((before, f"{_words(own[place])} {where} that the paper does not have"))
            else:
                before = name
                self.parts[name] = self._part(chain[place])

    def _own(self, position: int) -> Part:
        """A step as a layer, without what follows it."""
        step, reading = self.steps[position], self.readings[position]
        window = step.window
        if window is not None:
            before = window.before[0] + reading.padded[0], window.before[1] + reading.padded[1]
            window = Window(**{**vars(window), "before": before})
        return Part(kind=step.kind, width=step.width, window=window, bias=step.bias, norm=step.norm)

    def _part(self, position: int) -> Part:
        own, gaps = self._own(position), [gap for _, gap in self.readers[position]]
        lrns: list[LRN] = [gap.lrn for gap in gaps if gap.lrn is not None]
        others = [gap.other for gap in gaps if gap.other]
        if any(gap.scaled for gap in gaps) and not own.norm:
            others.append("a factor and a constant per channel, as of a batch norm")
        changed = {
            "bias": own.bias or any(gap.shifted and not gap.scaled for gap in gaps),
            "relu": self._relu(position),
            "lrn": lrns[0] if lrns else None,
            "dropout": max((gap.dropout for gap in gaps), default=0.0),
            "other": others[0] if others else None,
        }
        return Part(**{**vars(own), **changed})

    def _relu(self, position: int) -> bool:
        """Whether no reader gets a negative value; a ReLU behind a max pooling is the same as one before it."""
        return all(
            gap.relu or (self.steps[reader].kind == "max_pool" and self._relu(reader))
            for reader, gap in self.readers[position]
        )


def _before(module: str) -> list[str]:
    """The paper's layers between the module before and this one."""
    if module == _MODULES[0]:
        return _chain("conv1/", "pool1/", "conv2/", "pool2/")
    return {"4a": _chain("pool3/"), "5a": _chain("pool4/")}.get(module, [])


def _branch_names(module: str, branch: str) -> list[str]:
    layers = {"3x3": ("3x3_reduce", "3x3"), "5x5": ("5x5_reduce", "5x5"), "pool_proj": ("pool", "pool_proj")}
    return [f"inception_{module}/{layer}" for layer in layers.get(branch, (branch,))]


def _claim(label: str | int | None) -> str | None:
    """Which auxiliary head an output's name speaks of."""
    if not isinstance(label, str):
        return None
    for head, sign in (("loss1", r"4a|(?<!\d)1(?!\d)|first"), ("loss2", r"4d|(?<!\d)2(?!\d)|second")):
        if re.search(sign, label, re.IGNORECASE):
            return head
    return None


def _words(part: Part) -> str:
    kernel = "" if part.window is None else f"{part.window.kernel[0]}×{part.window.kernel[1]} "
    return f"a {kernel}{_WORDS.get(part.kind, part.kind)}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
