"""What is to be certified -> its certificate."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from googlenet.conformance.certificate import Certificate
from googlenet.conformance.comparison import Finding, compare
from googlenet.conformance.parts import network_of
from googlenet.conformance.structure import NoGoogLeNetError, parse
from googlenet.errors import MissingExtraError, SettingsError
from googlenet.spec import Spec
from googlenet.weights.convert import open_model
from googlenet.weights.file_kind import FileKind, kind_of

if TYPE_CHECKING:
    from torch import nn

_FACTORY = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_][\w.]*")
_NO_HEADS = "there are no auxiliary heads: enough for inference; the paper trains with two"
_NO_DROPOUT = "a graph for inference does not show its dropout"


def certify(subject: str) -> Certificate:
    """The certificate of a sealed model, a foreign checkpoint, an ONNX graph, or ``package.module:factory``, a module.

    Only the last runs code that is not this package's: ``package.module`` is imported, from the working folder too, and
    ``factory`` called without arguments.

    Raises:
        ModelFileError: The file cannot be read, or is of no kind known here.
        SettingsError: The module cannot be imported, or its factory gives no ``torch.nn.Module``.
        MissingExtraError: What the kind of subject needs is not installed.
    """
    path = Path(subject)
    if _FACTORY.fullmatch(subject) and not path.exists():
        return certify_module(_make(subject), subject)
    if path.is_file() and kind_of(path) is FileKind.ONNX:
        return _certify_onnx(path, subject)
    model = open_model(path)
    notes = []
    if model.path is None:
        notes.append(
            f"the file holds weights only: it was recognised as {model.spec.variant}, and what stands between its "
            "layers (ReLU, pooling, LRN, dropout) is that network's"
        )
    return certify_spec(model.spec, subject, notes=tuple(notes))


def certify_spec(spec: Spec, subject: str, *, notes: tuple[str, ...] = ()) -> Certificate:
    """The certificate of the network that a spec describes."""
    network = network_of(spec)
    return Certificate(
        subject=subject,
        findings=tuple(compare(network)),
        heads=bool(network.heads),
        notes=notes if network.heads else (*notes, _NO_HEADS),
    )


def certify_module(module: nn.Module, subject: str) -> Certificate:
    """The certificate of a torch module, by running it in evaluation and in training mode with probes inside.

    It is moved to the CPU and to float32, and left in training mode; its weights do not change, its statistics may.
    """
    from googlenet.conformance.from_module import RunFailedError, watch

    module = module.cpu().float()
    findings: dict[tuple[str, str], Finding] = {}
    heads = False
    for training in (False, True):
        try:
            network = parse(watch(module, training=training))
        except RunFailedError as error:
            mode = "training" if training else "evaluation"
            return Certificate(subject=subject, statement=f"it fails on images of 3×224×224 in {mode} mode: {error}")
        except NoGoogLeNetError as error:
            return Certificate(subject=subject, statement=str(error))
        heads = heads or bool(network.heads)
        for finding in compare(network, dropout=training):
            findings.setdefault((finding.layer, finding.kind), finding)
    notes = [] if heads else [_NO_HEADS]
    if network.unnamed:
        places = ", ".join(
            f"output {place + 1} hangs off {module}" for place, module in sorted(network.unnamed.items())
        )
        notes.append(f"the outputs have no names, so that none can be called swapped: {places}")
    return Certificate(subject=subject, findings=_sorted(findings), heads=heads, notes=tuple(notes))


def _certify_onnx(path: Path, subject: str) -> Certificate:
    from googlenet.conformance.from_onnx import watch_onnx

    try:
        network = parse(watch_onnx(path))
    except NoGoogLeNetError as error:
        return Certificate(subject=subject, statement=str(error))
    heads = bool(network.heads)
    notes = (_NO_DROPOUT,) if heads else (_NO_DROPOUT, _NO_HEADS)
    return Certificate(subject=subject, findings=tuple(compare(network, dropout=False)), heads=heads, notes=notes)


def _make(subject: str) -> nn.Module:
    """What the factory gives; a module or a class of modules is taken as well."""
    try:
        from torch import nn
    except ModuleNotFoundError as error:
        raise MissingExtraError("torch", "torch") from error
    where, _, name = subject.partition(":")
    sys.path.insert(0, str(Path.cwd()))
    try:
        found: Any = importlib.import_module(where)
        for attribute in name.split("."):
            found = getattr(found, attribute)
        made = found if isinstance(found, nn.Module) else found()
    except Exception as error:  # a stranger's code may raise anything
        raise SettingsError(
            f"--certify {subject}: cannot be made ({type(error).__name__}: {error}); give package.module:factory, a "
            "function without arguments that returns a torch module"
        ) from error
    finally:
        sys.path.remove(str(Path.cwd()))
    if not isinstance(made, nn.Module):
        raise SettingsError(f"--certify {subject}: gives a {type(made).__name__}; it must return a torch.nn.Module")
    return made


def _sorted(findings: dict[tuple[str, str], Finding]) -> tuple[Finding, ...]:
    from googlenet.variants import paper

    places = {layer.name: place for place, layer in enumerate(paper().layers)}
    return tuple(sorted(findings.values(), key=lambda finding: places.get(finding.layer, -1)))
