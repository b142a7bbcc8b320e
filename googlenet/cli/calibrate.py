"""``googlenet calibrate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from googlenet.cli.options import Engine, Json, split_seed
from googlenet.cli.terminal import print_json, progress, say, say_skipped


def calibrate(
    model: Path,
    data: Path,
    /,
    *,
    out: Path,
    split: Literal["train", "val", "test", "all"] = "val",
    seed: int | None = None,
    engine: Engine = "onnxruntime",
    overwrite: Annotated[bool, Parameter(negative="")] = False,
    as_json: Json = False,
) -> None:
    """Measure how far a model may be trusted, and keep that in it. Train does this by itself.

    Parameters
    ----------
    model
        a sealed model or a foreign checkpoint
    data
        a folder or a CSV as for train
    out
        the .safetensors file to write
    split
        images that the model was not trained on, and that will not judge it; all takes the data set whole
    seed
        of the split, where the data set gives none; the model's own by default
    overwrite
        replace the file if it exists
    """
    from googlenet.data.index import read_dataset
    from googlenet.evaluation.calibrate import calibrate
    from googlenet.weights.convert import open_model, refuse_existing, save_new

    refuse_existing(out, overwrite=overwrite)
    sealed = open_model(model)
    with progress("checking the images") as reading:
        dataset = read_dataset(data, seed=split_seed(sealed, seed), classes=sealed.classes, progress=reading)
    with progress("calibrating") as calibrating:
        found = calibrate(sealed, dataset, split=split, engine=engine, progress=calibrating)
    save_new(found.model, out, overwrite=overwrite)
    say_skipped((*dataset.skipped, *found.skipped), found.calibration.facts.images)
    for note in found.notes:
        say(f"note: {note}")
    facts = found.calibration.facts
    if as_json:
        print_json({"model": str(out), **facts.model_dump(), "notes": list(found.notes)})
        return
    print(f"{out}: calibrated on {facts.images} images ({split})")
    print(f"temperature {facts.temperature:.3f}")
    if facts.exits is not None:
        rules = (
            f"{name} {'never' if at is None else f'from {at:.3f}'}"
            for name, at in (("aux1", facts.exits.aux1.threshold), ("aux2", facts.exits.aux2.threshold))
        )
        print("early exit: " + ", ".join(rules))
    print(f"calibration error on these: {100 * facts.error_before:.1f} % before, {100 * facts.error_after:.1f} % after")
