"""The levels of the house: a module imports from lower levels or from its own folder; files stay small."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "googlenet"

LEVELS = {
    "errors": 0,
    "layers": 0,
    "spec": 0,
    "variants": 0,
    "saving": 0,
    "protobuf": 0,
    "background": 0,
    "imports": 0,
    "settings": 1,
    "recipes": 1,
    "regression": 2,
    "describe": 2,
    "data": 2,
    "network": 2,
    "weights": 3,
    "doctor": 3,
    "trust": 4,
    "engines": 4,
    "training": 5,
    "evaluation": 5,
    "conformance": 5,
    "explanation": 5,
    "export": 5,
    "twins": 5,
    "benchmark": 5,
    "classifier": 6,
    "replay": 6,
    "report": 6,
    "workflow": 7,
    "demo": 6,
    "explorer": 6,
    "ensemble": 8,
    "cli": 9,
    "__main__": 10,
}

# Level 0 and 1 have an order of their own: each may import those before it.
ORDER = ["errors", "layers", "spec", "variants", "saving", "protobuf", "background", "imports", "settings", "recipes"]

MODULES = sorted(PACKAGE.rglob("*.py"))


def _room(module: Path) -> str:
    return module.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imports(module: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("googlenet."):
            names.add(node.module.split(".")[1])
        elif isinstance(node, ast.ImportFrom) and node.module == "googlenet":
            names.update(name.name for name in node.names if name.name in LEVELS)
        elif isinstance(node, ast.Import):
            names.update(name.name.split(".")[1] for name in node.names if name.name.startswith("googlenet."))
    return names


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down(module: Path) -> None:
    room = _room(module)
    if room == "__init__":
        return  # the public names, imported when they are asked for
    for other in _imports(module) - {room}:
        if room in ORDER and other in ORDER:
            assert ORDER.index(other) < ORDER.index(room), f"{room} imports {other}"
        else:
            assert LEVELS[other] < LEVELS[room], f"{module.name} ({room}) imports {other}"


def test_every_room_has_a_level() -> None:
    assert {_room(module) for module in MODULES} - {"__init__"} == set(LEVELS)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_one_job_per_file(module: Path) -> None:
    assert module.stem not in {"utils", "helpers", "common", "misc"}
    assert len(module.read_text(encoding="utf-8").splitlines()) <= 320
