"""``googlenet explain``."""

from __future__ import annotations

import shlex
import sys
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from googlenet.cli.options import Json
from googlenet.cli.terminal import print_json, progress, say, say_skipped
from googlenet.data.listing import Skipped
from googlenet.errors import DataError, ImageError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from googlenet.explanation.explain import Explainer
    from googlenet.explanation.record import Entry

MOST_CHECKED = 8
"""Photographs that --check looks at: each costs up to 256 gradients."""

Method = Literal["cam", "grad-cam", "layer-cam", "integrated-gradients", "occlusion"]


def explain(
    model: Path,
    paths: tuple[str, ...],
    /,
    *,
    method: Annotated[tuple[Method, ...], Parameter(negative="")] = ("cam",),
    layer: str | None = None,
    out: Path | None = None,
    check: Annotated[bool, Parameter(negative="")] = False,
    as_json: Json = False,
) -> None:
    """Show which part of a photograph speaks for the answer, and which for it rather than for the runner-up.

    Parameters
    ----------
    model
        a sealed model or a foreign checkpoint
    paths
        image files, folders, globs, or - for a list on standard input, one path a line
    method
        may be given several times; cam and occlusion run on onnxruntime, the others need PyTorch
    layer
        where grad-cam and layer-cam look, such as inception_4e/output
    out
        the folder for the pictures and the page; explanation by default
    check
        draw nothing, but test whether explanations of this model deserve trust; exit code 1 where a test fails
    """
    if check and out is not None:
        raise SettingsError(f"--out is {out}, but --check draws nothing; leave one of them out")
    from googlenet.evaluation.predict import find_images
    from googlenet.explanation.explain import Explainer, layer_of
    from googlenet.weights.convert import open_model

    sealed = open_model(model)
    for name in method:
        layer_of(sealed, name, layer)  # a wrong name is told before the first photograph is read
    skipped: list[Skipped] = []
    images = list(find_images(paths, skipped))
    explainer = Explainer(sealed)
    methods = tuple(dict.fromkeys(method))
    if check:
        _check(explainer, images, methods, layer, skipped, as_json=as_json)
    else:
        _draw(explainer, images, out or Path("explanation"), methods, layer, skipped, as_json=as_json)


def _check(
    explainer: Explainer,
    images: list[Path],
    methods: tuple[Method, ...],
    layer: str | None,
    skipped: list[Skipped],
    *,
    as_json: bool,
) -> None:
    from googlenet.explanation.check import check, report_lines
    from googlenet.explanation.view import look

    if len(images) > MOST_CHECKED:
        say(f"note: of {len(images)} images the first {MOST_CHECKED} are looked at")
    views = []
    for path in images[:MOST_CHECKED]:
        try:
            views.append(look(path, explainer.model.preprocessing))
        except ImageError as error:
            skipped.append(Skipped(path, str(error).removeprefix(f"{path}: ")))
    _say_unread(skipped, len(views))
    with progress("checking") as bar:
        trust = check(explainer, views, methods, layer, progress=bar)
    if as_json:
        print_json(trust.as_json())
    else:
        print("\n".join(report_lines(trust)))
    if not trust.passed:
        sys.exit(1)


def _draw(
    explainer: Explainer,
    images: list[Path],
    folder: Path,
    methods: tuple[Method, ...],
    layer: str | None,
    skipped: list[Skipped],
    *,
    as_json: bool,
) -> None:
    from googlenet.explanation.page import write_page
    from googlenet.explanation.record import explain_files

    names = [name.name for name in explainer.model.classes]
    documents: list[dict[str, Any]] = []

    def shown(entries: Iterable[Entry]) -> Iterator[Entry]:
        for entry in entries:
            documents.append(entry.as_json(names))
            if not as_json:
                _show(documents[-1])
            yield entry

    page = folder / "explanation.html"
    with progress("explaining") as bar:
        entries = explain_files(explainer, images, folder, methods, layer, skipped=skipped, progress=bar)
        first = next(entries, None)
        if first is not None:
            command = shlex.join(["googlenet", *sys.argv[1:]])
            write_page(page, shown(chain([first], entries)), explainer.model, command=command, skipped=skipped)
    _say_unread(skipped, len(documents))
    if as_json:
        unread = [{"path": str(part.path), "reason": part.reason} for part in skipped]
        print_json({"page": str(page), "images": documents, "skipped": unread})
    else:
        say(f"page: {page}")


def _say_unread(skipped: list[Skipped], read: int) -> None:
    if not read and len(skipped) == 1:
        raise DataError(f"{skipped[0].path}: {skipped[0].reason}")
    say_skipped(skipped, read)
    if not read:
        raise DataError(f"no image could be read of {len(skipped)} files; see the lines above")


def _show(document: dict[str, Any]) -> None:
    def words(opinion: dict[str, Any]) -> str:
        return f"{opinion['label']} {100 * opinion['probability']:.1f} %"

    rather = f", rather than {words(document['runner_up'])}" if document["runner_up"] else ""
    say(f"{document['path']}: {words(document['answer'])}{rather}")
    for part in document["maps"]:
        print(part["picture"])
