"""Whether an int8 export answers on this machine as where it was made, looked at once and remembered."""

from __future__ import annotations

from googlenet.engines.cores import usable_cores
from googlenet.engines.memory import machine_key, recall, remember
from googlenet.errors import ModelFileError
from googlenet.export.contract import Export
from googlenet.export.verify import verify_export


def check_here(export: Export) -> None:
    """Raise ``ModelFileError`` where an int8 export gives other answers here; others are taken as they are.

    Processors without 8-bit instructions (VNNI) let sums saturate, and say nothing.
    """
    if export.contract.precision != "int8":
        return
    digest = "".join(export.contract.sha256.values())
    key = machine_key("int8 export", digest, usable_cores())
    if (recall(key) or {}).get("passed") is not True:
        verdict = verify_export(export)
        if any(fault.stage == "logits" for fault in verdict.faults):
            raise ModelFileError(
                f"{export.folder}: this int8 export answers otherwise here than where it was made (logits differ by "
                f"{verdict.logit_difference:.1e} of the largest), as on processors without VNNI; take an fp32 export "
                "or the sealed model"
            )
        remember(key, {"passed": True})
