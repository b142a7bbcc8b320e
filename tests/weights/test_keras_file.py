"""Files of Keras: written and read back whole, and refused before Keras sees them when they hold anything else.

What needs Keras runs in a process of its own, of about 10 s.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from googlenet.errors import ModelFileError
from googlenet.variants import variant
from googlenet.weights.convert import convert, export_weights
from googlenet.weights.model_file import SealedModel, read_model
from tests.conftest import assert_same, random_tensors, some_calibration

LAMBDA = {"class_name": "Lambda", "module": "keras.layers", "config": {"name": "evil", "function": "…"}}
INPUT = {"class_name": "InputLayer", "module": "keras.layers", "config": {"name": "image"}}


def _functional(*layers: dict[str, Any]) -> dict[str, Any]:
    return {"class_name": "Functional", "module": "keras.models", "config": {"name": "m", "layers": list(layers)}}


def _ours(config: dict[str, Any]) -> dict[str, Any]:
    return {"class_name": "GoogLeNet", "registered_name": "googlenet>GoogLeNet", "config": config}


def _write(path: Path, config: Any, weights: bytes = b"x") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", config if isinstance(config, str) else json.dumps(config))
        archive.writestr("model.weights.h5", weights)
    return path


@pytest.mark.parametrize(
    ("config", "says"),
    [
        (_functional(INPUT, LAMBDA), "has a Lambda in it, which runs code from the file"),
        (_functional({"class_name": "Sequential", "config": {"layers": [LAMBDA]}}), "has a Lambda in it"),
        (_functional({"class_name": "Evil", "module": "os", "config": {}}), "has a Evil in it"),
        (_functional(INPUT), "has a InputLayer in it; convert reads only what googlenet.keras built"),
        (_functional(), "is a 'Functional' model; convert reads only what googlenet.keras built and saved"),
        (_ours({"spec": LAMBDA}), "has a Lambda in it, which runs code"),
        ([1], "its config.json is no JSON object"),
        ("{", "its config.json is no JSON"),
        ("[" * 100_000, "its config.json is no JSON"),
    ],
)
def test_what_is_not_ours_is_refused_before_keras_sees_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: Any, says: str
) -> None:
    monkeypatch.setitem(sys.modules, "keras", None)  # to import it would be another error
    path = _write(tmp_path / "m.keras", config)
    with pytest.raises(ModelFileError, match=re.escape(says)):
        convert(path)


def test_hdf5_files_are_refused(tiny_model: SealedModel, tmp_path: Path) -> None:
    (tmp_path / "m.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    with pytest.raises(ModelFileError, match=r"m\.h5: is an HDF5 file \(\.h5\); convert reads Caffe's"):
        convert(tmp_path / "m.h5")
    with pytest.raises(ModelFileError, match=r"ends in '\.h5'; give \.safetensors, \.caffemodel, \.pth, \.keras"):
        export_weights(tiny_model, tmp_path / "new.h5")


def test_a_config_larger_than_any_model_s_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", " " * (17 << 20))
        archive.writestr("model.weights.h5", b"x")
    with pytest.raises(ModelFileError, match=r"its config\.json is larger than 16 MiB"):
        convert(path)


WORK = """
import sys
from pathlib import Path
from googlenet.errors import ModelFileError
from googlenet.weights.convert import convert, export_weights
from googlenet.weights.model_file import read_model
folder = Path(sys.argv[1])
for source in sorted(folder.glob("*.safetensors")):
    target = source.with_suffix(".keras")
    export_weights(read_model(source), target, overwrite=True)
    convert(target).model.save(folder / "back" / source.name)
import googlenet
net = googlenet.keras("batch_norm", classes=4, aux_heads=False, input_size=64)
net.save(folder / "by_hand.keras")
convert(folder / "by_hand.keras").model.save(folder / "back/by_hand.safetensors")
assert googlenet.keras(weights=folder / "by_hand.keras").spec == net.spec
for path in sorted((folder / "bad").iterdir()) if (folder / "bad").is_dir() else ():
    try:
        convert(path)
    except ModelFileError as error:
        print(error)
    else:
        raise AssertionError(path)
assert "torch" not in sys.modules
"""


def _work(folder: Path) -> list[str]:
    result = subprocess.run([sys.executable, "-c", WORK, str(folder)], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-3000:]
    return result.stdout.splitlines()


def test_there_and_back(tiny_model: SealedModel, tmp_path: Path) -> None:
    (tmp_path / "back").mkdir()
    models = {"tiny": replace(tiny_model, calibration=some_calibration())}
    for name in ("paper", "slim"):
        spec = variant(name, 3).scaled(1 / 16)
        models[name] = replace(tiny_model, spec=spec, tensors=random_tensors(spec))
    for name, model in models.items():
        model.save(tmp_path / f"{name}.safetensors")
    _work(tmp_path)
    for name, model in models.items():
        back = read_model(tmp_path / "back" / f"{name}.safetensors")
        assert (back.spec, back.classes, back.preprocessing) == (model.spec, model.classes, model.preprocessing)
        assert (back.calibration is None) == (model.calibration is None)
        if back.calibration and model.calibration:
            assert back.calibration.facts == model.calibration.facts
            assert_same(back.calibration.tensors, model.calibration.tensors)
        assert back.record["settings"] == model.record["settings"]
        assert back.record["converted_from"] == f"{name}.keras"
        assert all(np.array_equal(back.tensors[key], model.tensors[key]) for key in model.spec.tensors)
    by_hand = read_model(tmp_path / "back/by_hand.safetensors")
    assert [name.id for name in by_hand.classes] == ["class_0", "class_1", "class_2", "class_3"]


def test_damaged_and_hostile_files_are_one_line(tiny_model: SealedModel, tmp_path: Path) -> None:
    import h5py

    for folder in ("back", "bad"):
        (tmp_path / folder).mkdir()
    tiny_model.save(tmp_path / "tiny.safetensors")
    _work(tmp_path)
    good = tmp_path / "tiny.keras"
    with zipfile.ZipFile(good) as archive:
        config, weights = json.loads(archive.read("config.json")), archive.read("model.weights.h5")

    def change(name: str, edit: Callable[[dict[str, Any]], Any], content: bytes = weights) -> None:
        changed = json.loads(json.dumps(config))
        edit(changed["config"])
        _write(tmp_path / "bad" / name, changed, content)

    def nothing(_: dict[str, Any]) -> None:
        pass

    change("1", lambda c: c["spec"].update(classes=10**9))
    change("2", lambda c: c["spec"].update(surprise=1))
    change("3", lambda c: c["spec"].update(classes=4))
    change("4", nothing, b"\0" * len(weights))
    change("5", nothing, weights[: len(weights) // 8])
    outside = tmp_path / "outside.h5"
    with h5py.File(outside, "w") as file:
        file["secret"] = np.zeros((3, 3, 1, 1), np.float32)
    (tmp_path / "linked.h5").write_bytes(weights)
    with h5py.File(tmp_path / "linked.h5", "a") as file:
        del file["layers/conv2d/vars/0"]
        file["layers/conv2d/vars/0"] = h5py.ExternalLink(str(outside), "secret")
    change("6", nothing, (tmp_path / "linked.h5").read_bytes())
    (tmp_path / "bad/7").write_bytes(good.read_bytes()[:-30])
    says = [
        "its network has",
        "describes no GoogLeNet",
        "its weights cannot be read",
        "its weights cannot be read",
        "of weights, its network has",
        "its weights cannot be read (",
        "is a zip archive",
    ]
    lines = _work(tmp_path)
    assert len(lines) == len(says)
    for line, words in zip(lines, says, strict=True):
        assert words in line, line
