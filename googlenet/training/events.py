"""Numbers for TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from socket import gethostname
from time import monotonic, time
from typing import Any

from googlenet.errors import MissingExtraError
from googlenet.imports import without

_FLUSH_EVERY = 30.0  # seconds


class Events:
    """A new file of events in ``folder``.

    Written in the caller's thread: that of ``SummaryWriter`` dies where the disk is full, and then its queue fills,
    which stops the training. Every method raises ``OSError`` where the file cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        try:
            with without("torch"):  # torch's own writer, in turn, imports TensorFlow where it is installed
                from tensorboardX.record_writer import RecordWriter
        except ModuleNotFoundError as error:
            raise MissingExtraError("tensorboardX", "train") from error
        folder.mkdir(exist_ok=True)
        self._records: Any = RecordWriter(str(folder / f"events.out.tfevents.{int(time())}.{gethostname()}"))
        self._flushed = monotonic()
        self._write(file_version="brain.Event:2")

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Numbers by name at a step."""
        self._write(step=step, summary={"value": [{"tag": name, "simple_value": x} for name, x in values.items()]})
        if monotonic() - self._flushed >= _FLUSH_EVERY:
            self._flushed = monotonic()
            self._records.flush()

    def close(self) -> None:
        """Nothing can be added afterwards."""
        self._records.close()

    def _write(self, **event: Any) -> None:
        from tensorboardX.proto.event_pb2 import Event

        self._records.write(Event(wall_time=time(), **event).SerializeToString())
