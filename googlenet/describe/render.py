"""A description written out: for a terminal, as JSON, Markdown, or one HTML page that asks for nothing."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from html import escape
from typing import Any

from googlenet.describe.printed import disagreements, printed_operations, printed_parameters
from googlenet.describe.savings import VGG16_PARAMETERS, module_savings, network_saving, textbook_example
from googlenet.describe.sections import Section, sections
from googlenet.describe.table import Block, Group, Table

_INDENT = "  "


def as_text(table: Table) -> str:
    """Aligned columns; never narrower than the widest row, for a number must not be cut."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    width = max(shutil.get_terminal_size().columns, 132)
    text = io.StringIO()
    console = Console(file=text, width=width, highlight=False)
    for section in sections(table):
        grid = Grid(title=section.title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
        for name in section.columns:
            left = name in section.words
            grid.add_column(name, justify="left" if left else "right", no_wrap=name != "why")
        for line in section.lines:
            first, *rest = line.cells
            grid.add_row(*(Text(cell) for cell in (_INDENT * line.depth + first, *rest)))
        console.print(grid)
        for sentence in section.sentences:
            console.print(Text(sentence), width=100)
        console.print()
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"


def as_markdown(table: Table) -> str:
    """GitHub's tables; the parts of a row begin with an en dash."""
    return "\n".join(line for section in sections(table) for line in _markdown(section))


def _markdown(section: Section) -> Iterator[str]:
    yield from (f"## {section.title}", "")
    yield "| " + " | ".join(section.columns) + " |"
    yield "|" + "|".join("---" if name in section.words else "---:" for name in section.columns) + "|"
    for line in section.lines:
        first, *rest = line.cells
        yield "| " + " | ".join(("– " * line.depth + first, *rest)) + " |"
    yield ""
    for sentence in section.sentences:
        yield from (sentence, "")


def as_html(table: Table, drawings: tuple[str, ...] = ()) -> str:
    """One page with the tables and the ``drawings`` (SVG text); no script, nothing fetched, light and dark."""
    title = f"GoogLeNet, {table.spec.variant}"
    body = "\n".join(line for section in sections(table) for line in _html(section))
    figures = "\n".join(f"<figure>{drawing}</figure>" for drawing in drawings)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>\n'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>\n'
        f"<body><h1>{escape(title)}</h1>\n{body}\n{figures}\n</body></html>\n"
    )


def _html(section: Section) -> Iterator[str]:
    yield f"<h2>{escape(section.title)}</h2>"
    yield "<div><table><thead><tr>"
    kinds = ["word" if name in section.words else "number" for name in section.columns]
    yield "".join(f'<th class="{kind}">{escape(name)}' for kind, name in zip(kinds, section.columns, strict=True))
    yield "</thead><tbody>"
    for line in section.lines:
        cells = (f'<td class="{kind}">{escape(cell)}' for kind, cell in zip(kinds, line.cells, strict=True))
        yield f'<tr class="depth{line.depth}">' + "".join(cells)
    yield "</tbody></table></div>"
    yield from (f"<p>{escape(sentence)}</p>" for sentence in section.sentences)


_STYLE = """
:root{color-scheme:light dark;--line:#8886}
@media (prefers-color-scheme:dark){body{background:#12171e}}
body{font:15px/1.5 system-ui,sans-serif;max-width:72em;margin:2em auto;padding:0 1em}
div{overflow-x:auto} figure{margin:2em 0} svg{max-width:100%;height:auto}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:.15em .7em;text-align:left;white-space:nowrap} th{border-bottom:2px solid var(--line)}
td.word:last-child{white-space:normal;min-width:22em} tr.depth0 td{border-top:1px solid var(--line)}
.number{text-align:right} .depth1 td{opacity:.75} .depth1 td:first-child{padding-left:2em}
"""


def as_json(table: Table) -> dict[str, Any]:
    """Every figure of every layer, branch and block; shapes are (channels, height, width)."""
    direct, reduced = textbook_example()
    savings = (*module_savings(table.spec, table.input_size), network_saving(table.spec, table.input_size))
    return {
        "variant": table.spec.variant,
        "input_size": table.input_size,
        "classes": table.spec.classes,
        "aux_heads": table.spec.aux_heads,
        "batch": table.batch,
        "depth": table.depth,
        "blocks": [_block_json(block) for block in table.blocks],
        "totals": {"main": _sums(table.main), "all": _sums(table.all)},
        "activation_bytes": {"training": table.training_bytes, "inference": table.inference_bytes},
        "disagreements": [asdict(found) for found in disagreements(table.blocks)],
        "savings": [asdict(saving) for saving in savings],
        "example": {"direct": direct, "reduced": reduced},
        "vgg16": {"parameters": VGG16_PARAMETERS, "times": VGG16_PARAMETERS / table.main.parameters},
    }


def _block_json(block: Block) -> dict[str, Any]:
    return {
        **_group_json(block),
        "printed": {"parameters": printed_parameters(block), "operations": printed_operations(block)},
        "branches": [_group_json(part) | {"layers": [row.name for row in part.layers]} for part in block.branches],
        "layers": [asdict(row) for row in block.layers],
    }


def _group_json(group: Group) -> dict[str, Any]:
    return {
        "name": group.name,
        "output": group.output,
        **_sums(group),
        "field": group.field,
        "activation_bytes": group.activation_bytes,
    }


def _sums(group: Group) -> dict[str, int]:
    return {"weights": group.weights, "parameters": group.parameters, "macs": group.macs}
