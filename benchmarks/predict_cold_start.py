"""`googlenet predict` of one photograph beside a bare script that does the same, whole processes, in one run.

    python benchmarks/predict_cold_start.py MODEL.safetensors PHOTO.jpg

The bare script imports onnxruntime, Pillow and NumPy, opens an ONNX file of the same network, and knows its five
preprocessing numbers by heart; it checks nothing. The two take turns; the ratio is the median over the pairs.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

from googlenet.network.onnx_net import onnx_bytes
from googlenet.weights.model_file import read_model

PAIRS = 15

BARE = """
import sys, numpy as np, onnxruntime
from PIL import Image
image = Image.open(sys.argv[2]).convert("RGB").resize((256, 256), Image.Resampling.BILINEAR).crop((16, 16, 240, 240))
pixels = np.asarray(image, np.float32)[..., ::-1] - np.array([104, 117, 123], np.float32)
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
logits = session.run(None, {"data": np.ascontiguousarray(pixels.transpose(2, 0, 1))[None]})[0][0]
probabilities = np.exp(logits - logits.max()); probabilities /= probabilities.sum()
for i in probabilities.argsort()[::-1][:5]:
    print(i, probabilities[i])
"""


def seconds(command: list[str]) -> float:
    """The wall time of one whole process."""
    start = perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - start


def main() -> None:
    """Measure and print."""
    model, photo = sys.argv[1:]
    sealed = read_model(Path(model))
    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder) / "model.onnx"
        graph.write_bytes(onnx_bytes(sealed.spec, sealed.tensors))
        bare = [sys.executable, "-c", BARE, str(graph), photo]
        ours = [sys.executable, "-m", "googlenet", "predict", model, photo]
        for command in (bare, ours):
            seconds(command)  # so that both find their files in the page cache
        pairs = [(seconds(ours), seconds(bare)) for _ in range(PAIRS)]
    print(f"googlenet predict {median(own for own, _ in pairs):.3f} s, bare script {median(b for _, b in pairs):.3f} s")
    print(f"ratio {median(own / peer for own, peer in pairs):.2f}")


if __name__ == "__main__":
    main()
