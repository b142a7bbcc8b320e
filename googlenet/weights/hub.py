"""Sealed models on the Hugging Face Hub: ``hf://user/model[@revision][/file.safetensors]``, through huggingface_hub.

It keeps what it fetched, asks for a new version each time it is online, and takes the kept one where it is not.
``HF_ENDPOINT``, ``HF_TOKEN`` and ``HF_HOME`` count as everywhere.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

from googlenet.errors import MissingExtraError, ModelFileError

MODEL_NAME, CARD_NAME = "model.safetensors", "README.md"
"""What a repository holds."""

_SCHEME = "hf:"  # a Path makes one slash of two
_FORM = "hf://user/model, hf://user/model@revision or hf://user/model/file.safetensors"


def on_hub(path: Path) -> bool:
    """Whether ``path`` names a model on the Hub rather than a file."""
    return path.parts[:1] == (_SCHEME,)


def fetch(path: Path) -> Path:
    """The local copy of the model on the Hub that ``path`` names.

    Raises ``ModelFileError`` where there is none or it cannot be had, ``MissingExtraError`` without huggingface_hub.
    """
    repository, revision, file = _parts(path)
    hub = _import_hub()
    try:
        return Path(hub.hf_hub_download(repository, file, revision=revision))
    except Exception as error:
        raise ModelFileError(
            f"hf://{repository}: {file} cannot be fetched ({_reason(error)}); {_remedy(error)}"
        ) from error


def push(model: Path, repository: str, *, card: Path | None, private: bool) -> str:
    """Upload a sealed model, and its card as the repository's page, in one commit; returns the commit's address.

    The repository is made where it does not exist; ``private`` counts only then. Raises ``ModelFileError`` where the
    Hub refuses, ``MissingExtraError`` without huggingface_hub.
    """
    hub = _import_hub()
    files = {MODEL_NAME: model} | ({CARD_NAME: card} if card else {})
    try:
        api = hub.HfApi()
        api.create_repo(repository, private=private, exist_ok=True)
        operations = [hub.CommitOperationAdd(name, path) for name, path in files.items()]
        commit = api.create_commit(repository, operations, commit_message="Upload a GoogLeNet")
    except Exception as error:
        raise ModelFileError(
            f"{model}: cannot be pushed to {repository!r} ({_reason(error)}); {_remedy(error)}"
        ) from error
    return str(commit.commit_url)


def _parts(path: Path) -> tuple[str, str | None, str]:
    parts = path.parts[1:]
    if len(parts) < 2 or not all(parts):
        raise ModelFileError(f"{path}: is no model on the Hub; give {_FORM}")
    name, _, revision = parts[1].partition("@")
    return f"{parts[0]}/{name}", revision or None, "/".join(parts[2:]) or MODEL_NAME


def _import_hub() -> ModuleType:
    try:
        import huggingface_hub
    except ModuleNotFoundError as error:
        raise MissingExtraError("huggingface_hub", "hub") from error
    return huggingface_hub


def _reason(error: Any) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__


def _remedy(error: Exception) -> str:
    """By the name of the error: its classes live in a library that may be absent."""
    kind = type(error).__name__
    if kind in ("RepositoryNotFoundError", "GatedRepoError"):
        return "check the name; for a private one log in with: hf auth login"
    if kind in ("RevisionNotFoundError", "EntryNotFoundError", "RemoteEntryNotFoundError"):
        return "look at the repository's page for its files and revisions"
    if kind == "HFValidationError":
        return "a repository is called user/model"
    return "check the network and HF_ENDPOINT; to write, log in with: hf auth login"
