"""Draws the figure of docs/explain.md anew: docs/figures/explain.jpg.

    python docs/make_explain_figure.py imagenet.safetensors

The model is BVLC's, converted (see README). The photograph is scikit-learn's china.jpg: danielbuechele, CC BY 2.0.
"""

from __future__ import annotations

import sys
from pathlib import Path

import sklearn.datasets
from PIL import Image

from googlenet.explanation.explain import Explainer
from googlenet.explanation.overlay import draw_map, draw_whole
from googlenet.explanation.view import look
from googlenet.weights.convert import open_model

HEIGHT, GAP = 320, 12


def main() -> None:
    """Draw and write."""
    explainer = Explainer(open_model(Path(sys.argv[1])))
    photograph = Path(sklearn.datasets.__file__).parent / "images/china.jpg"
    view = look(photograph, explainer.model.preprocessing)
    cam, finer = (explainer.explain(view, method) for method in ("cam", "layer-cam"))
    pictures = [draw_whole(view, view.seen), *(draw_map(view, part) for part in (*cam.maps, finer.for_answer))]
    scaled = [picture.resize((round(picture.width * HEIGHT / picture.height), HEIGHT)) for picture in pictures]
    strip = Image.new("RGB", (sum(picture.width + GAP for picture in scaled) - GAP, HEIGHT), "white")
    left = 0
    for picture in scaled:
        strip.paste(picture, (left, 0))
        left += picture.width + GAP
    strip.save(Path(__file__).parent / "figures/explain.jpg", quality=88)


if __name__ == "__main__":
    main()
