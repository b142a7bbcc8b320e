"""What the folder of an export says of itself to whoever opens it."""

from __future__ import annotations

from googlenet.data.preprocess import Preprocessing
from googlenet.export.contract import Contract

_RUNTIMES = {
    "onnx": "onnxruntime, or any other runtime of ONNX",
    "openvino": "OpenVINO",
    "savedmodel": "TensorFlow",
    "litert": "LiteRT, once TensorFlow Lite",
    "pt2": "PyTorch (`torch.export.load`)",
    "safetensors": "`googlenet` itself: this is the sealed model",
}


def readme(contract: Contract, folder: str) -> str:
    """The text of ``README.md``."""
    shape = " × ".join(str(size) for size in contract.input.shape)
    names = ", ".join(part.name.split(",")[0] for part in contract.classes[:5])
    more = f" and {len(contract.classes) - 5} more" if len(contract.classes) > 5 else ""
    steps = "\n".join(f"{i}. {words}" for i, words in enumerate(steps_in_words(contract), 1))
    return f"""# {folder}

A GoogLeNet (`{contract.spec.variant}`, {contract.precision}) for {_RUNTIMES[contract.target]}.
It tells apart {len(contract.classes)} classes: {names}{more}.

| | |
|---|---|
| model | `{contract.model}` |
| input | `{contract.input.name}`, {contract.input.dtype}, {shape} ({contract.input.layout}) |
| output | `{contract.output}`, float32, (batch, {len(contract.classes)}): logits, before the softmax |
| written by | googlenet {contract.googlenet} |

## What your program has to do

{steps}

`contract.json` says the same to a program, and the classes in order. `probes/` holds small images, and the contract
what each step makes of them and what the network answers: by them your own program can be checked.

```sh
googlenet verify {folder}              # does this folder answer right on this machine?
googlenet predict {folder} photo.jpg
googlenet verify {folder} --trace FILE   # is a program of yours right? names its first wrong step
```
"""


def steps_in_words(contract: Contract) -> list[str]:
    """What a consumer does from the file to the answer, one line a step."""
    rule = contract.preprocessing
    words = {
        "decode": "decode: 8-bit RGB; gray becomes three equal channels, transparency is laid over white.",
        "orient": "orient: turn as the EXIF orientation says."
        if rule.orientation == "exif"
        else "orient: leave the picture as it lies; the EXIF orientation is ignored.",
        "resize": f"resize: {_resize(rule)}",
        "crop": f"crop: the centre {rule.crop_size} × {rule.crop_size}, from `(size - {rule.crop_size}) // 2`.",
        "normalise": f"normalise: channels in the order {rule.channel_order}, as `(pixel - mean) * scale`, mean "
        f"{_numbers(rule.mean)}, scale {_numbers(rule.scale)}.",
    }
    if "resize" in contract.steps_in_graph:
        words["orient"] += " The pixels are the input; the model does the rest."
    steps = [text for stage, text in words.items() if stage not in contract.steps_in_graph]
    divided = f" divided by {contract.calibration.temperature:.6g}" if contract.calibration else ""
    return [*steps, f"run the model; the softmax of the logits{divided} is the probability of each class."]


def _resize(rule: Preprocessing) -> str:
    if rule.resize == "none":
        return "not at all."
    kind = "without antialiasing" if rule.filter == "bilinear-no-antialias" else "Pillow's, antialiased"
    size = (
        f"to {rule.resize_size} × {rule.resize_size}" if rule.resize == "warp" else f"shorter side {rule.resize_size}"
    )
    return f"{size}, {rule.filter.removesuffix('-no-antialias')} ({kind})."


def _numbers(values: tuple[float, ...]) -> str:
    return f"({', '.join(f'{value:.6g}' for value in values)})"
