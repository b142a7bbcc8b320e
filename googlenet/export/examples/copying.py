"""The examples that come with an export, made from those in this folder."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from importlib.resources import files

from googlenet.export.contract import Contract
from googlenet.settings import ExportTarget

_PILLOW_HAS_NO = "bilinear-no-antialias"


def example_files(contract: Contract) -> dict[str, str]:
    """File name -> content. None where the preprocessing is one that a short program cannot have, or the model
    is for this package."""
    if contract.target == "safetensors":
        return {}
    if contract.preprocessing.filter == _PILLOW_HAS_NO or contract.preprocessing.resize == "none":
        return {}
    examples = {"example.py": _python(contract)}
    rule = contract.preprocessing
    if contract.target == "onnx" and contract.input.dtype == "float32" and rule.filter in ("bilinear", "bicubic"):
        examples["example.cpp"] = _template("with_onnxruntime.cpp").replace("@CONSTANTS@", _constants(contract))
        if rule.orientation == "exif":  # browsers cannot be told to leave a picture as it lies
            examples["example.mjs"] = _template("with_onnxruntime_web.mjs")
    return examples


def _constants(contract: Contract) -> str:
    """What the program in C++ needs of the contract, as it has no reader of JSON."""
    rule = contract.preprocessing
    names = ",\n".join(f"    {_string(part.name)}" for part in contract.classes)
    temperature = contract.calibration.temperature if contract.calibration else 1.0
    return f"""constexpr int kResize = {rule.resize_size}, kCrop = {rule.crop_size};
constexpr bool kWarp = {_boolean(rule.resize == "warp")}, kBgr = {_boolean(rule.channel_order == "BGR")};
constexpr bool kBicubic = {_boolean(rule.filter == "bicubic")};
constexpr float kMean[] = {{{_floats(rule.mean)}}}, kScale[] = {{{_floats(rule.scale)}}};
constexpr double kTemperature = {temperature!r};
constexpr const char *kInput = {json.dumps(contract.input.name)}, *kOutput = {json.dumps(contract.output)};
const char* const kClasses[] = {{
{names},
}};"""


def _string(text: str) -> str:
    """A string of C++, which has JSON's escapes but for those of control characters."""
    return json.dumps("".join(letter if letter.isprintable() else " " for letter in text), ensure_ascii=False)


def _boolean(value: bool) -> str:
    return "true" if value else "false"


def _floats(values: tuple[float, ...]) -> str:
    return ", ".join(f"{float(value)!r}f" for value in values)


@dataclass(frozen=True)
class _Runtime:
    """What another runtime has in place of onnxruntime's lines."""

    says: str
    imports: str
    opens: str
    runs: str


_RUNTIMES: dict[ExportTarget, _Runtime] = {
    "openvino": _Runtime(
        "with OpenVINO, Pillow",
        "import numpy as np\nimport openvino\nfrom PIL",
        'openvino.compile_model(HERE / CONTRACT["model"], "CPU", {"INFERENCE_PRECISION_HINT": "f32"})',
        'SESSION({CONTRACT["input"]["name"]: normalised[None]})[CONTRACT["output"]][0]',
    ),
    "savedmodel": _Runtime(
        "with TensorFlow, Pillow",
        "import numpy as np\nimport tensorflow as tf\nfrom PIL",
        'tf.saved_model.load(HERE / CONTRACT["model"])',
        'SESSION.signatures["serving_default"](image=normalised[None])[CONTRACT["output"]].numpy()[0]',
    ),
    "litert": _Runtime(
        "with LiteRT (here TensorFlow's), Pillow",
        "import numpy as np\nimport tensorflow as tf  # or ai_edge_litert, which is much smaller\nfrom PIL",
        'tf.lite.Interpreter(str(HERE / CONTRACT["model"])).get_signature_runner()',
        'SESSION(image=normalised[None])[CONTRACT["output"]][0]',
    ),
    "pt2": _Runtime(
        "with PyTorch, Pillow",
        "import numpy as np\nimport torch\nfrom PIL",
        'torch.export.load(HERE / CONTRACT["model"]).module()',
        "SESSION(torch.from_numpy(normalised)[None])[0].detach().numpy()",
    ),
}
_ONNXRUNTIME = _Runtime(
    "with onnxruntime, Pillow",
    "import numpy as np\nimport onnxruntime\nfrom PIL",
    'onnxruntime.InferenceSession(HERE / CONTRACT["model"], providers=["CPUExecutionProvider"])',
    'SESSION.run([CONTRACT["output"]], {CONTRACT["input"]["name"]: normalised[None]})[0][0]',
)


def _python(contract: Contract) -> str:
    """The example for onnxruntime, with the lines that open and run the model replaced."""
    if contract.input.dtype == "uint8":
        return _template("with_pixels.py")
    text, other = _template("with_onnxruntime.py"), _RUNTIMES.get(contract.target, _ONNXRUNTIME)
    for field in fields(_Runtime):
        if getattr(_ONNXRUNTIME, field.name) not in text:
            raise AssertionError(f"the example has changed: {field.name}")  # a defect, which the tests see
        text = text.replace(getattr(_ONNXRUNTIME, field.name), getattr(other, field.name))
    return text.replace(".transpose(2, 0, 1)", "") if contract.input.layout == "NHWC" else text


def _template(name: str) -> str:
    return (files("googlenet.export.examples") / name).read_text(encoding="utf-8")
