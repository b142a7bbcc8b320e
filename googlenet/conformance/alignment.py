"""Layers found in a network beside the paper's of the same stretch: which is which, and at what cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from googlenet.conformance.parts import Network, Part, network_of, with_free_classes
from googlenet.variants import paper

_ABSENT = 1.2  # the cost of a layer too few or too many; a wrong kernel or width costs 1


@cache
def paper_network() -> Network:
    """The paper's network, for any number of classes."""
    return with_free_classes(network_of(paper()))


def align(names: Sequence[str], found: Sequence[Part]) -> tuple[float, list[tuple[str | None, int | None]]]:
    """The cheapest way to lay the found layers beside the paper's: its cost, and the pairs (name, place in found)."""
    parts: Mapping[str, Part] = paper_network().parts

    @cache
    def best(i: int, j: int) -> tuple[float, tuple[tuple[str | None, int | None], ...]]:
        ways: list[tuple[float, tuple[tuple[str | None, int | None], ...]]] = []
        if i < len(names) and j < len(found):
            cost, rest = best(i + 1, j + 1)
            ways.append((cost + _misfit(parts[names[i]], found[j]), ((names[i], j), *rest)))
        if i < len(names):
            cost, rest = best(i + 1, j)
            ways.append((cost + _ABSENT, ((names[i], None), *rest)))
        if j < len(found):
            cost, rest = best(i, j + 1)
            ways.append((cost + _ABSENT, ((None, j), *rest)))
        return min(ways, key=lambda way: way[0]) if ways else (0.0, ())

    cost, pairs = best(0, 0)
    return cost, list(pairs)


def _misfit(expected: Part, found: Part) -> float:
    pools = {"max_pool", "avg_pool"}
    if expected.kind != found.kind:
        return 1.5 if {expected.kind, found.kind} == pools else 99.0
    cost = 0.0
    if expected.window is not None and found.window is not None:
        cost += expected.window.kernel != found.window.kernel
    if expected.width is not None:
        cost += expected.width != found.width
    return cost
