"""The classes of a photograph, with onnxruntime, Pillow and NumPy: python example.py photo.jpg

The model resizes, crops and normalises by itself.
python example.py --trace trace.npz writes what this code makes of the golden probes, for: googlenet verify --trace
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

HERE = Path(__file__).parent
CONTRACT = json.loads((HERE / "contract.json").read_text(encoding="utf-8"))
RULE = CONTRACT["preprocessing"]
SESSION = onnxruntime.InferenceSession(HERE / CONTRACT["model"], providers=["CPUExecutionProvider"])


def to_rgb(image: Image.Image) -> Image.Image:
    """Transparency laid over white, gray and CMYK as Pillow converts them."""
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        image = Image.new("RGBA", layer.size, "white")
        image.alpha_composite(layer)
    return image.convert("RGB")


def steps(path: Path) -> dict[str, np.ndarray]:
    """Every step from the file to the logits, by name."""
    opened = Image.open(path)
    upright = to_rgb(ImageOps.exif_transpose(opened) if RULE["orientation"] == "exif" else opened)
    pixels = np.asarray(upright)
    logits = SESSION.run([CONTRACT["output"]], {CONTRACT["input"]["name"]: pixels[None]})[0][0]
    return {"decode": np.asarray(to_rgb(opened)), "orient": pixels, "logits": logits}


def write_trace(file: str) -> None:
    """Every step of every golden probe, as arrays called «probe/step»."""
    arrays: dict[str, Any] = {}
    for probe in CONTRACT["probes"]:
        for step, array in steps(HERE / "probes" / probe).items():
            arrays[f"{probe}/{step}"] = array
    np.savez_compressed(file, **arrays)


if __name__ == "__main__":
    if sys.argv[1] == "--trace":
        write_trace(sys.argv[2])
    else:
        logits = steps(Path(sys.argv[1]))["logits"]
        calibrated = logits / (CONTRACT["calibration"] or {"temperature": 1})["temperature"]
        probabilities = np.exp(calibrated - calibrated.max()) / np.exp(calibrated - calibrated.max()).sum()
        for i in np.argsort(-probabilities)[:5]:
            print(f"{100 * probabilities[i]:6.2f} %  {CONTRACT['classes'][i]['name']}")
