"""TensorFlow's exporters in a process of their own: they print, they may crash, and they never give memory back.

``python -m googlenet.export.keras_process MODEL TARGET FORMAT BATCH``, batch 0 for any.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from googlenet.errors import MissingExtraError, ModelFileError
from googlenet.weights.model_file import SealedModel, read_model

_SECONDS = 1800


def export_keras(model: SealedModel, target: Path, form: str, batch: int | None) -> None:
    """Write ``model`` to ``target`` in the Keras format ``form``: tf_saved_model, litert or litert-fp16.

    Raises ``MissingExtraError`` without TensorFlow, ``ModelFileError`` where the exporter fails.
    """
    if find_spec("tensorflow") is None or find_spec("keras") is None:
        raise MissingExtraError("tensorflow", "tensorflow")
    with TemporaryDirectory() as folder:
        source = Path(folder) / "model.safetensors"
        model.save(source)
        command = [
            sys.executable,
            "-m",
            "googlenet.export.keras_process",
            str(source),
            str(target),
            form,
            str(batch or 0),
        ]
        try:
            done = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)
        except subprocess.TimeoutExpired as error:
            raise ModelFileError(f"{target}: TensorFlow took more than {_SECONDS // 60} minutes; try again") from error
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        why = f", {last[0][:300]}" if last else ""
        raise ModelFileError(
            f"{target}: TensorFlow could not write it (ended with {done.returncode}{why}); take --to onnx"
        )


def main() -> None:
    """The child's part."""
    source, target, form, batch = sys.argv[1:]
    from googlenet.network.keras_net import build, load_canonical

    model = read_model(Path(source))
    spec = model.spec.without_heads()
    net = build(spec, input_size=model.preprocessing.crop_size, dtype="float32")
    load_canonical(net, spec, {name: model.tensors[name] for name in spec.tensors})
    _write(net, target, form, int(batch))


def _write(net: object, target: str, form: str, batch: int) -> None:
    import tensorflow as tf
    from keras.export import ExportArchive

    size = net.input_shape[1]  # type: ignore[attr-defined]
    with TemporaryDirectory() as folder:
        saved = target if form == "tf_saved_model" else f"{folder}/saved"
        archive = ExportArchive()  # net.export() would track the network too, and write every weight twice
        image = tf.TensorSpec((batch or None, size, size, 3), tf.float32, name="image")
        archive.add_endpoint("serving_default", net.__call__, [image])  # type: ignore[operator]
        archive.write_out(saved, verbose=False)
        if form == "tf_saved_model":
            return
        converter = tf.lite.TFLiteConverter.from_saved_model(saved)
        if form == "litert-fp16":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.target_spec.supported_types = [tf.float16]
        Path(target).write_bytes(converter.convert())


if __name__ == "__main__":
    main()
