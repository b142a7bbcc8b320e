"""Post-training quantisation of an OpenVINO network by NNCF."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Iterable, Sequence
from contextlib import redirect_stdout
from typing import Any

import numpy as np
from numpy.typing import NDArray

os.environ.setdefault("NNCF_CI", "1")  # or it reports each use to its makers

import nncf

from googlenet.spec import INPUT


def quantised(network: Any, batches: Iterable[NDArray[np.float32]], float_layers: Sequence[str]) -> Any:
    """The OpenVINO ``network`` in 8 bits; operators named after one of ``float_layers`` stay as they are."""
    nncf.set_log_level(logging.ERROR)
    items = [{INPUT: batch} for batch in batches]
    scope = nncf.IgnoredScope(patterns=[f"{re.escape(name)}.*" for name in float_layers], validate=False)
    with redirect_stdout(sys.stderr):  # it draws bars where our results go
        return nncf.quantize(network, nncf.Dataset(items), ignored_scope=scope, subset_size=len(items))
