"""The page: one HTML file with its styles, scripts, texts and data inside; opens from disk, asks for nothing."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from functools import cache
from html import escape
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from googlenet import __version__
from googlenet.explorer.network import explored_spec, network_json, tone_css
from googlenet.explorer.reductions import reductions_json
from googlenet.weights.model_file import SealedModel

LANGUAGES = {"en": "English", "zh": "中文"}

_SCRIPT = "explorer/{}"
"""How one script imports another: a bare name, which the page's import map turns into the script itself."""


def page_html(model: SealedModel, looks: Sequence[dict[str, Any]], *, language: str = "en") -> str:
    """The page for ``model`` and what a ``Looker`` saw; ``language``: ``en`` or ``zh``, which it speaks first."""
    name = model.path.name if model.path else "model"
    data = {
        "version": __version__,
        "model": {"name": name, "classes": [entry.name for entry in model.classes]},
        "network": network_json(model),
        "reductions": reductions_json(explored_spec(model), model.preprocessing.crop_size),
        "pictures": looks,
        "texts": {code: texts(code) for code in LANGUAGES},
        "languages": LANGUAGES,
        "language": language,
    }
    page = _web("page.html")
    for mark, content in {
        "LANGUAGE": language,
        "TITLE": escape(f"GoogLeNet explorer: {name}"),
        "STYLE": tone_css() + "".join(_styles()),
        "IMPORTS": _in_script({"imports": _imports()}),
        "NOSCRIPT": "".join(
            f'<p lang="{code}">{escape(texts(code)["page.noscript"])}</p>' for code in sorted(LANGUAGES)
        ),
        "DATA": _in_script(data),  # the last one: what came from the user is looked through for no further mark
    }.items():
        page = page.replace(f"<!--{mark}-->", content, 1)
    return page


@cache
def texts(language: str) -> dict[str, str]:
    """All that the page says in ``language``: key -> words, with ``{name}`` where something is put in."""
    table: dict[str, str] = json.loads((files("googlenet.explorer") / f"texts/{language}.json").read_text("utf-8"))
    return table


def _in_script(document: Any) -> str:
    """JSON that may stand inside a script element: a class may be called ``</script>``."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")


def _imports() -> dict[str, str]:
    return {
        _SCRIPT.format(path.name.removesuffix(".js")): _data_uri(path)
        for path in _folder()
        if path.name.endswith(".js")
    }


def _data_uri(path: Traversable) -> str:
    script = f"{path.read_text('utf-8')}\n//# sourceURL={_SCRIPT.format(path.name)}\n"
    return "data:text/javascript;base64," + base64.b64encode(script.encode()).decode()


def _styles() -> list[str]:
    return [path.read_text("utf-8") for path in _folder() if path.name.endswith(".css")]


def _folder() -> list[Traversable]:
    return sorted((files("googlenet.explorer") / "web").iterdir(), key=lambda path: path.name)


def _web(name: str) -> str:
    return (files("googlenet.explorer") / "web" / name).read_text("utf-8")
