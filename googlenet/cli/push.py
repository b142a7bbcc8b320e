"""``googlenet push``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from googlenet.cli.options import Json
from googlenet.cli.terminal import print_json, say


def push(
    model: Path,
    repository: str,
    /,
    *,
    card: Path | None = None,
    private: Annotated[bool, Parameter(negative="")] = False,
    as_json: Json = False,
) -> None:
    """Upload a sealed model to the Hugging Face Hub, with its card; every verb then takes it as hf://user/model.

    Parameters
    ----------
    model
        a sealed model
    repository
        user/model; made where it does not exist
    card
        a model card in Markdown; the one beside the model's report by default
    private
        make the repository for you alone
    """
    from googlenet.errors import SettingsError
    from googlenet.weights.hub import push as upload
    from googlenet.weights.model_file import read_model

    read_model(model)  # nobody shall fetch what cannot be opened
    found = card or model.with_name("report.card.md")
    if not found.is_file():
        if card:
            raise SettingsError(f"--card is {card}, which is no file; give a Markdown file, or leave --card out")
        say(f"note: no card beside {model}; googlenet evaluate --report writes one")
    address = upload(model, repository, card=found if found.is_file() else None, private=private)
    if as_json:
        print_json({"repository": repository, "commit": address})
    else:
        print(address)
