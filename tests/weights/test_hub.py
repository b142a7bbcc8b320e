"""Models to and from a Hub of our own: huggingface_hub's real client against a folder behind HTTP on this machine."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from googlenet.errors import ModelFileError
from googlenet.weights.hub import fetch, on_hub
from googlenet.weights.model_file import SealedModel

pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed")

_COMMIT = "0123456789" * 4


class _Hub(BaseHTTPRequestHandler):
    """As much of the Hub's protocol as an upload and a download need; ``files`` is what it stores."""

    files: dict[str, bytes]

    def do_HEAD(self) -> None:
        self._file(body=False)

    def do_GET(self) -> None:
        self._file(body=True)

    def _file(self, *, body: bool) -> None:
        repository, _, name = self.path.lstrip("/").partition("/resolve/main/")
        content = self.files.get(f"{repository}/{name}")
        if content is None:
            known = any(key.startswith(repository + "/") for key in self.files)
            return self._answer(404, b"", {"X-Error-Code": "EntryNotFound" if known else "RepoNotFound"})
        headers = {"ETag": f'"{hashlib.sha1(content).hexdigest()}"', "X-Repo-Commit": _COMMIT}
        return self._answer(200, content, headers, body=body)

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Authorization") != "Bearer secret":
            return self._answer(401, b"")
        if self.path == "/api/validate-yaml":  # of the card
            return self._json({"errors": [], "warnings": []})
        if self.path == "/api/repos/create":
            return self._json({"url": f"http://{self.headers['Host']}/ann/flowers"})
        if self.path.endswith("/preupload/main"):
            files = [
                {"path": f["path"], "uploadMode": "regular", "shouldIgnore": False}
                for f in json.loads(content)["files"]
            ]
            return self._json({"files": files})
        repository = self.path.removeprefix("/api/models/").removesuffix("/commit/main")
        for line in content.splitlines():
            entry = json.loads(line)
            if entry["key"] == "file":
                self.files[f"{repository}/{entry['value']['path']}"] = base64.b64decode(entry["value"]["content"])
        return self._json(
            {"commitUrl": f"http://{self.headers['Host']}/{repository}/commit/{_COMMIT}", "commitOid": _COMMIT}
        )

    def _json(self, document: dict[str, Any]) -> None:
        self._answer(200, json.dumps(document).encode(), {"Content-Type": "application/json"})

    def _answer(self, status: int, content: bytes, headers: dict[str, str] | None = None, *, body: bool = True) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Not a word."""


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment in which our Hub is the Hub."""
    handler = type("Hub", (_Hub,), {"files": {}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield os.environ | {
        "HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
        "HF_TOKEN": "secret",
        "HF_HOME": str(tmp_path / "cache"),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }
    server.shutdown()
    server.server_close()


def _googlenet(environment: dict[str, str], *words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "googlenet", *map(str, words)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_there_and_back(hub: dict[str, str], tiny_model: SealedModel, tmp_path: Path, make_picture: Any) -> None:
    model = tmp_path / "run" / "model.safetensors"
    model.parent.mkdir()
    tiny_model.save(model)
    model.with_name("report.card.md").write_text("---\ntags: [googlenet]\n---\n# Flowers\n", encoding="utf-8")
    pushed = _googlenet(hub, "push", model, "ann/flowers", "--json")
    assert pushed.returncode == 0, pushed.stderr
    assert json.loads(pushed.stdout)["commit"].endswith(f"/ann/flowers/commit/{_COMMIT}")
    picture = make_picture("rose.png", size=(90, 90))
    answers = [_googlenet(hub, "predict", which, picture, "--json") for which in (model, "hf://ann/flowers")]
    assert answers[1].returncode == 0, answers[1].stderr
    assert answers[0].stdout == answers[1].stdout
    offline = _googlenet(hub | {"HF_HUB_OFFLINE": "1"}, "predict", "hf://ann/flowers", picture, "--json")
    assert offline.stdout == answers[0].stdout


def test_what_is_not_there_says_what_to_do(hub: dict[str, str], tiny_model: SealedModel, tmp_path: Path) -> None:
    absent = _googlenet(hub, "predict", "hf://ann/nothing", tmp_path)
    assert absent.returncode == 2
    assert "hf://ann/nothing: model.safetensors cannot be fetched" in absent.stderr
    assert "hf auth login" in absent.stderr
    assert "Traceback" not in absent.stderr
    tiny_model.save(tmp_path / "m.safetensors")
    refused = _googlenet(hub | {"HF_TOKEN": "wrong"}, "push", tmp_path / "m.safetensors", "ann/flowers")
    assert refused.returncode == 2
    assert "cannot be pushed to 'ann/flowers'" in refused.stderr
    no_card = _googlenet(hub, "push", tmp_path / "m.safetensors", "ann/flowers", "--card", tmp_path / "none.md")
    assert "none.md, which is no file" in no_card.stderr


def test_names() -> None:
    assert on_hub(Path("hf://ann/flowers"))
    assert not on_hub(Path("hf/ann/flowers"))
    with pytest.raises(ModelFileError, match="hf://user/model"):
        fetch(Path("hf://flowers"))
