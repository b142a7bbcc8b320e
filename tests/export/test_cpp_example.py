"""The example in C++, compiled, with a stand-in for onnxruntime that keeps what the program feeds it."""

from __future__ import annotations

import io
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from googlenet.data.classes import ClassName
from googlenet.data.preprocess import Preprocessing
from googlenet.export.diagnosis import diagnose
from googlenet.export.export import export_model
from googlenet.export.stages import pipeline
from googlenet.export.trace import read_trace
from googlenet.settings import ExportSettings
from googlenet.weights.model_file import SealedModel

STAND_IN = """
#pragma once
#include <cstdint>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>
enum { ORT_LOGGING_LEVEL_WARNING, OrtArenaAllocator, OrtMemTypeDefault };
namespace Ort {
struct Env { Env(int, const char*) {} };
struct SessionOptions {};
struct RunOptions { explicit RunOptions(std::nullptr_t) {} };
struct MemoryInfo { static MemoryInfo CreateCpu(int, int) { return {}; } };
struct Value {
  std::vector<float> data;
  template <class T> static Value CreateTensor(const MemoryInfo&, T* p, size_t n, const int64_t*, size_t) {
    return Value{std::vector<float>(p, p + n)};
  }
  template <class T> const T* GetTensorData() const { return data.data(); }
};
struct Session {
  std::string path;
  Session(const Env&, const char* p, const SessionOptions&) : path(p) {}
  std::vector<Value> Run(const RunOptions&, const char* const* in, const Value* values, size_t, const char* const* out,
                         size_t) {
    if (std::string(in[0]) != "data" || std::string(out[0]) != "logits") throw std::runtime_error("other names");
    std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(values->data.data()),
                                                std::streamsize(values->data.size() * sizeof(float)));
    return {Value{{1.0f, 3.0f, 2.0f}}};
  }
};
}  // namespace Ort
"""


@pytest.mark.parametrize(
    "rule",
    [
        Preprocessing(resize_size=73, crop_size=64),
        Preprocessing(
            resize="warp", resize_size=72, crop_size=64, filter="bicubic", channel_order="BGR", mean=(104, 117, 123)
        ),
    ],
    ids=["shorter-side", "warp"],
)
def test_it_prepares_pictures_as_the_model_wants_them(
    tiny_model: SealedModel, tmp_path: Path, rule: Preprocessing
) -> None:
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        pytest.skip("no C++ compiler on the path")
    hostile = tuple(ClassName(id=str(i), name=name) for i, name in enumerate(('a "b" \\', "weiß ?", "c\n\x1bd")))
    model = replace(tiny_model, preprocessing=rule, classes=hostile)
    export = export_model(model, tmp_path / "e", ExportSettings(to="onnx")).export
    (tmp_path / "onnxruntime_cxx_api.h").write_text(STAND_IN)
    program = tmp_path / "example"
    flags = ["-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror"]
    subprocess.run([compiler, *flags, f"-I{tmp_path}", export.folder / "example.cpp", "-o", program], check=True)
    arrays = {}
    for name, content in export.probes():
        file = io.BytesIO()
        Image.fromarray(pipeline(rule, "NCHW").run(content, "orient")["orient"]).save(file, "PPM")
        command = [program, tmp_path / "input.bin"]
        done = subprocess.run(command, input=file.getvalue(), capture_output=True, check=True)
        assert done.stdout.decode().splitlines()[0].endswith("%  weiß ?")
        arrays[f"{name}/normalise"] = np.fromfile(tmp_path / "input.bin", np.float32).reshape(3, 64, 64)
    np.savez(tmp_path / "t.npz", **arrays)
    assert diagnose(export, read_trace(tmp_path / "t.npz", export.contract)).faults == ()
    assert subprocess.run([program], input=b"P6 9 9 255\n", capture_output=True, check=False).returncode == 2
