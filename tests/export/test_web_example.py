"""The example for browsers, in a browser: what it makes of the golden images has no fault."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from googlenet.data.preprocess import Preprocessing
from googlenet.export.contract import Export
from googlenet.export.diagnosis import diagnose
from googlenet.export.export import export_model
from googlenet.export.trace import read_trace
from googlenet.settings import ExportSettings
from googlenet.weights.model_file import SealedModel

RULES = {
    "bilinear": Preprocessing(resize_size=73, crop_size=64),
    "bicubic": Preprocessing(resize="warp", resize_size=73, crop_size=64, filter="bicubic", channel_order="BGR"),
}


class _Quiet(SimpleHTTPRequestHandler):
    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".mjs": "text/javascript"}  # noqa: RUF012

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    found = chromium.new_page()
    yield found
    found.close()


def _trace(page: Any, export: Export) -> dict[str, Any]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=export.folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page.goto(f"http://127.0.0.1:{server.server_port}/README.md")
        trace: dict[str, Any] = page.evaluate(
            "(async () => (await (await import('/example.mjs')).load(null, '/')).trace())()"
        )
        server.shutdown()
    return trace


def test_it_prepares_photographs_as_the_model_wants_them(page: Any, tiny_model: SealedModel, tmp_path: Path) -> None:
    for name, rule in RULES.items():
        model = replace(tiny_model, preprocessing=rule)
        export = export_model(model, tmp_path / name, ExportSettings(to="onnx")).export
        trace = _trace(page, export)
        assert set(trace["probes"]["gray.png"]) == {"orient", "resize", "crop", "normalise"}
        (tmp_path / "trace.json").write_text(json.dumps(trace))
        assert diagnose(export, read_trace(tmp_path / "trace.json", export.contract)).faults == ()
