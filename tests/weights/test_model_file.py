"""The sealed model: what goes in comes out, and nothing damaged gets in."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from googlenet.errors import ModelFileError
from googlenet.weights.model_file import SealedModel, _digest, read_model
from tests.conftest import assert_same, some_calibration


@pytest.fixture
def sealed(tiny_model: SealedModel, tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    tiny_model.save(path)
    return path


def test_round_trip(tiny_model: SealedModel, sealed: Path) -> None:
    back = read_model(sealed)
    assert (back.spec, back.classes, back.preprocessing) == (
        tiny_model.spec,
        tiny_model.classes,
        tiny_model.preprocessing,
    )
    assert back.record == tiny_model.record
    assert all(np.array_equal(back.tensors[name], tiny_model.tensors[name]) for name in tiny_model.spec.tensors)
    with safe_open(sealed, framework="numpy") as file:  # any reader of safetensors opens it
        assert set(file.keys()) == set(tiny_model.spec.tensors)


def test_a_calibration_goes_with_the_model(tiny_model: SealedModel, tmp_path: Path) -> None:
    model, path = replace(tiny_model, calibration=some_calibration()), tmp_path / "m.safetensors"
    model.save(path)
    back = read_model(path)
    assert back.calibration is not None
    assert model.calibration is not None
    assert back.calibration.facts == model.calibration.facts
    assert back.temperature == model.calibration.facts.temperature
    assert_same(back.calibration.tensors, model.calibration.tensors)
    assert_same(back.tensors, tiny_model.tensors)


def test_without_a_calibration_the_file_is_one_that_older_versions_read(sealed: Path) -> None:
    assert json.loads(_parts(sealed)[0]["googlenet"])["format"] == 1
    assert read_model(sealed).calibration is None
    assert read_model(sealed).temperature == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: d["calibration"].update(temperature=0), "calibration.temperature"),
        (lambda d: d["calibration"].update(temperature="1"), "calibration.temperature"),
        (lambda d: d["calibration"].update(surprise=1), "calibration.surprise"),
        (lambda d: d["calibration"].update(images=10**12), "calibration/set_scores has the shape 250, 1000000000000"),
        (lambda d: d.update(calibration=None), "'calibration/.*no layer of this network"),
    ],
)
def test_a_calibration_that_lies_is_refused(tiny_model: SealedModel, tmp_path: Path, change: Any, says: str) -> None:
    path = tmp_path / "m.safetensors"
    replace(tiny_model, calibration=some_calibration()).save(path)
    _rewrite(path, change)
    with pytest.raises(ModelFileError, match=says):
        read_model(path)


def test_every_changed_byte_is_noticed(sealed: Path) -> None:
    content = sealed.read_bytes()
    header = 8 + int.from_bytes(content[:8], "little")
    rng = np.random.default_rng(0)
    positions = [*range(9), *rng.integers(8, header, 60), *rng.integers(header, len(content), 60), len(content) - 1]
    for position in positions:
        damaged = bytearray(content)
        damaged[position] ^= 1 << int(rng.integers(8))
        sealed.write_bytes(damaged)
        with pytest.raises(ModelFileError, match=r"model\.safetensors"):
            read_model(sealed)


def test_every_cut_is_noticed(sealed: Path) -> None:
    content = sealed.read_bytes()
    for length in (0, 1, 7, 8, 100, len(content) // 2, len(content) - 1):
        sealed.write_bytes(content[:length])
        with pytest.raises(ModelFileError, match=r"model\.safetensors"):
            read_model(sealed)


def _parts(path: Path) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    with safe_open(path, framework="numpy") as file:
        return file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping


def _rewrite(path: Path, change: Any) -> None:
    """The same file with another document, as somebody would forge it."""
    metadata, tensors = _parts(path)
    document = json.loads(metadata["googlenet"])
    change(document)
    save_file(tensors, path, {"googlenet": json.dumps(document), "sha256": metadata["sha256"]})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: d["spec"].update(classes=4), "names 3 classes for a network of 4"),
        (lambda d: d["spec"]["stem"].update(conv1=10**9), "conv1"),
        (lambda d: d["spec"]["stem"].update(conv1=-1), "conv1"),
        (lambda d: d["spec"].update(variant_of="x"), "variant_of"),
        (lambda d: d["classes"].pop(), "names 2 classes for a network of 3"),
        (lambda d: d["classes"].__setitem__(0, d["classes"][1]), "two of its classes"),
        (lambda d: d.update(format=99), "format version 99"),
        (lambda d: d["preprocessing"].update(crop_size=10**6), "crop_size"),
        (lambda d: d["record"].update(lie=True), "sha256"),
        (lambda d: d["spec"].update(dropout=float("nan")), "spec.dropout"),
        (lambda d: d["spec"].update(classes=0), "describes no network"),
        (lambda d: d["spec"].update(classes="3"), "spec.classes"),
        (lambda d: d.pop("format"), "no JSON document with a format version"),
    ],
)
def test_metadata_that_lies_is_refused(sealed: Path, change: Any, says: str) -> None:
    _rewrite(sealed, change)
    with pytest.raises(ModelFileError, match=says):
        read_model(sealed)


def test_a_safetensors_file_of_something_else_is_refused(sealed: Path) -> None:
    metadata, tensors = _parts(sealed)
    for other in (None, {"format": "pt"}):
        save_file(tensors, sealed, other)
        with pytest.raises(ModelFileError, match="without a sealed model's metadata"):
            read_model(sealed)
    save_file(tensors, sealed, metadata | {"note": "hello"})
    with pytest.raises(ModelFileError, match="has the metadata"):
        read_model(sealed)
    save_file(tensors, sealed, metadata | {"googlenet": "{"})
    with pytest.raises(ModelFileError, match="no JSON document"):
        read_model(sealed)


def test_tensors_of_another_type_are_refused(sealed: Path) -> None:
    metadata, tensors = _parts(sealed)
    tensors["loss3/classifier/bias"] = tensors["loss3/classifier/bias"].astype(np.float16)
    save_file(tensors, sealed, metadata)
    with pytest.raises(ModelFileError, match="loss3/classifier/bias is of type F16"):
        read_model(sealed)


def test_a_header_that_declares_gigabytes_is_not_read(sealed: Path) -> None:
    sealed.write_bytes((1 << 31).to_bytes(8, "little") + sealed.read_bytes()[8:])
    with pytest.raises(ModelFileError, match="declares a header of 2147483648 bytes"):
        read_model(sealed)


def test_changed_padding_is_noticed(tiny_model: SealedModel, tmp_path: Path) -> None:
    """The bytes between header and tensors say nothing, but a changed one means a damaged file."""
    for length in range(8):
        path = tmp_path / f"{length}.safetensors"
        replace(tiny_model, record={"fill": "x" * length}).save(path)
        content = bytearray(path.read_bytes())
        last = 8 + int.from_bytes(content[:8], "little") - 1
        if content[last] == ord(" "):
            content[last] = ord("\t")
            path.write_bytes(content)
            with pytest.raises(ModelFileError, match="damaged in its header"):
                read_model(path)
            return
    pytest.fail("no length of the record led to padding")


def test_a_forged_nan_is_refused_by_name(tiny_model: SealedModel, sealed: Path) -> None:
    metadata, tensors = _parts(sealed)
    tensors["conv2/3x3/weight"].flat[0] = np.inf
    document = metadata["googlenet"]
    save_file(tensors, sealed, {"googlenet": document, "sha256": _digest(document, tensors)})
    with pytest.raises(ModelFileError, match="conv2/3x3/weight holds a value that is no finite number"):
        read_model(sealed)


def test_values_that_are_no_numbers_are_refused_by_name(tiny_model: SealedModel, tmp_path: Path) -> None:
    tensors = dict(tiny_model.tensors)
    tensors["conv1/7x7_s2/weight"] = np.full_like(tensors["conv1/7x7_s2/weight"], np.nan)
    with pytest.raises(ModelFileError, match="conv1/7x7_s2/weight"):
        replace(tiny_model, tensors=tensors).save(tmp_path / "nan.safetensors")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"\x80\x02}q\x00.", "not a sealed model"),
        (b"PK\x03\x04" + bytes(40), "not a sealed model"),
        (b"\x89HDF\r\n\x1a\n" + bytes(40), "HDF5"),
        (b"just some text, no model", "not a sealed model"),
    ],
)
def test_other_files_are_named_for_what_they_are(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "other.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=says):
        read_model(path)


def test_a_full_disk_leaves_the_old_model_whole(
    tiny_model: SealedModel, sealed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sealed.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ModelFileError, match=r"No space left on device.*untouched"):
        tiny_model.save(sealed)
    assert sealed.read_bytes() == before
    assert [path.name for path in sealed.parent.iterdir()] == [sealed.name]
