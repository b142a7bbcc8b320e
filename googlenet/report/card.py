"""A model card in Markdown, with the fields of Hugging Face's (Mitchell et al., FAT* 2019)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from googlenet import __version__
from googlenet.evaluation.evaluate import Evaluation
from googlenet.report.words import percent, span

_MOST_CLASSES = 50


def model_card(evaluation: Evaluation, verdict: tuple[str, ...], command: str) -> str:
    """The card's text: YAML that machines read, then what people want to know; what nobody knows is left to fill in."""
    return f"---\n{_front_matter(evaluation)}---\n\n{_body(evaluation, verdict, command)}"


def seen_in_training(record: Mapping[str, Any]) -> list[str]:
    """What the doctor of the training said, from a model's record, which a file may hold in any form."""
    findings = record.get("doctor")
    rows = findings if isinstance(findings, list) else []
    return [str(row["says"]) for row in rows if isinstance(row, dict) and "says" in row]


def _front_matter(evaluation: Evaluation) -> str:
    """JSON is YAML: names of any kind stay what they are."""
    figures = evaluation.figures
    metrics: list[dict[str, Any]] = [
        {"type": "accuracy", "name": "Top-1", "value": figures.top1},
        {"type": "f1", "name": "Macro F1", "value": figures.macro_f1.value},
        {"type": "ece", "name": "Expected calibration error", "value": evaluation.reliability.error},
    ]
    name = evaluation.model.path.parent.name if evaluation.model.path else "googlenet"
    dataset = {"type": "imagefolder", "name": evaluation.dataset.root.name, "split": evaluation.split}
    result = {"task": {"type": "image-classification"}, "dataset": dataset, "metrics": metrics}
    fields: dict[str, Any] = {
        "library_name": "googlenet",
        "pipeline_tag": "image-classification",
        "tags": ["googlenet", "inception", "image-classification"],
        "metrics": ["accuracy", "f1"],
        "model-index": [{"name": name or "googlenet", "results": [result]}],
    }
    return "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in fields.items())


def _body(evaluation: Evaluation, verdict: tuple[str, ...], command: str) -> str:
    model, figures = evaluation.model, evaluation.figures
    names = [_plain(part.name) for part in model.classes]
    more = f" and {len(names) - _MOST_CLASSES} more" if len(names) > _MOST_CLASSES else ""
    parameters = sum(tensor.size for tensor in model.tensors.values())
    rule = model.preprocessing
    return f"""# {_plain(evaluation.dataset.root.name)}: an image classifier

{" ".join(_plain(sentence) for sentence in verdict)}

## Model details

- **Network:** GoogLeNet (Inception v1), variant `{model.spec.variant}`, {parameters:,} parameters
- **Classes ({len(names)}):** {", ".join(names[:_MOST_CLASSES])}{more}
- **Input:** {rule.crop_size} × {rule.crop_size} pixels, {rule.channel_order}; the file holds the whole preprocessing
- **Made with:** googlenet {__version__}
- **Paper:** Szegedy et al., *Going Deeper with Convolutions*, CVPR 2015, https://arxiv.org/abs/1409.4842
- **License:** to be filled in
- **Contact:** to be filled in

## Uses

Photographs like those it was trained on, of one of the classes above. Of anything else it still names a class;
{_unknown(evaluation)}

## Bias, risks and limitations

{_limits(evaluation)}

## How to get started

```python
import googlenet

googlenet.load("model.safetensors").predict("photo.jpg")
```

## Training details

{_training(evaluation)}

## Evaluation

On {figures.images} images (`{evaluation.split}`); 95 % intervals.

| | value | 95 % |
|---|---|---|
{_figures(evaluation)}

| class | images | recall | 95 % | precision | 95 % | F1 |
|---|---|---|---|---|---|---|
{_classes(evaluation)}

Repeat it with: `{command}`

## Citation

```bibtex
@inproceedings{{szegedy2015going, title={{Going Deeper with Convolutions}}, author={{Szegedy, Christian and Liu, Wei and
Jia, Yangqing and others}}, booktitle={{CVPR}}, year={{2015}}}}
```
"""


def _figures(evaluation: Evaluation) -> str:
    figures = evaluation.figures
    rows = [("top-1 accuracy", percent(figures.top1), span(figures.top1_interval))]
    if len(figures.per_class) > 5:
        rows.append(("top-5 accuracy", percent(figures.top5), span(figures.top5_interval)))
    for name, found in (
        ("balanced accuracy", figures.balanced_accuracy),
        ("macro precision", figures.macro_precision),
        ("macro F1", figures.macro_f1),
    ):
        rows.append((name, percent(found.value), span(found.interval)))
    rows.append(("expected calibration error", percent(evaluation.reliability.error), ""))
    if evaluation.sets:
        covered = evaluation.sets.covered
        rows.append(
            (
                f"sets of labels at {evaluation.sets.asked:.0%} hold the right one",
                percent(covered.value),
                span(covered.interval),
            )
        )
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _classes(evaluation: Evaluation) -> str:
    rows = [row for row in evaluation.figures.per_class if row.images][:_MOST_CLASSES]
    return "\n".join(
        f"| {_plain(row.name)} | {row.images} | {percent(row.recall)} | {span(row.recall_interval)} | "
        f"{percent(row.precision)} | {span(row.precision_interval)} | {percent(row.f1)} |"
        for row in rows
    )


def _unknown(evaluation: Evaluation) -> str:
    if evaluation.unknown is None:
        return "it cannot tell what it does not know."
    return (
        "what lies far from all that it has learned is called `unknown`, with "
        f"{percent(evaluation.unknown.rate.value)} of photographs of known classes."
    )


def _limits(evaluation: Evaluation) -> str:
    lines = [_plain(note) for note in evaluation.dataset.notes]
    lines += [f"in training: {_plain(sentence)}" for sentence in seen_in_training(evaluation.model.record)]
    leaks = evaluation.leaks
    if leaks and leaks.images:
        lines.append(f"{len(leaks.images)} of the images it was judged on are in the training split too")
    if evaluation.changed:
        lines.append(f"judged with another preprocessing than its own: {', '.join(evaluation.changed)}")
    lines.append("figures and intervals say nothing of photographs of another kind: another camera, place or time")
    return "\n".join(f"- {line}" for line in lines)


def _training(evaluation: Evaluation) -> str:
    record = evaluation.model.record
    lines = [f"- {key}: `{json.dumps(record[key])}`" for key in ("made", "precision", "interrupted") if key in record]
    settings = record.get("settings")
    if isinstance(settings, dict):
        lines += [f"- {_plain(str(key))}: `{json.dumps(value, ensure_ascii=False)}`" for key, value in settings.items()]
    if "converted_from" in record:
        lines.append(f"- converted from: {_plain(str(record['converted_from']))}")
    return "\n".join(lines) or "Not recorded in the model."


def _plain(text: str) -> str:
    """On one line, with nothing that Markdown or HTML would take for its own."""
    line = " ".join(text.split())
    for mark in "\\`*_[]<>|#":
        line = line.replace(mark, "&lt;" if mark == "<" else "&gt;" if mark == ">" else f"\\{mark}")
    return line
