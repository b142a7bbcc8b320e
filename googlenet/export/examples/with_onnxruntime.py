"""The classes of a photograph, with onnxruntime, Pillow and NumPy alone: python example.py photo.jpg

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
    target, crop = RULE["resize_size"], RULE["crop_size"]
    kept = [round(side * target / min(upright.size)) for side in upright.size]
    width, height = (target, target) if RULE["resize"] == "warp" else kept
    resized = upright.resize((width, height), Image.Resampling[RULE["filter"].upper()])
    left, top = (resized.width - crop) // 2, (resized.height - crop) // 2
    cropped = resized.crop((left, top, left + crop, top + crop))
    pixels = np.asarray(cropped, np.float32)[..., :: 1 if RULE["channel_order"] == "RGB" else -1]
    normalised = ((pixels - np.float32(RULE["mean"])) * np.float32(RULE["scale"])).transpose(2, 0, 1)
    logits = SESSION.run([CONTRACT["output"]], {CONTRACT["input"]["name"]: normalised[None]})[0][0]
    pictures = {"decode": to_rgb(opened), "orient": upright, "resize": resized, "crop": cropped}
    return {name: np.asarray(image) for name, image in pictures.items()} | {"normalise": normalised, "logits": logits}


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
