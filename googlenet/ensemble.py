"""Several members trained for one answer, as the paper does (section 7), judged as its table: models x crops.

All members start from the same weights and learn from the same images; each sees them in another order and otherwise
augmented; the last one is wider. «Trained with the same initialization … they only differ in sampling methodologies and
the random order in which they see input images»; one of the paper's seven is a wider network.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from googlenet.data.index import Split, read_dataset
from googlenet.errors import SettingsError
from googlenet.evaluation.evaluate import Evaluation, evaluate_together
from googlenet.report.words import Language
from googlenet.saving import atomic_write
from googlenet.settings import TrainSettings
from googlenet.weights.model_file import read_model
from googlenet.workflow import Progress, Run, train_and_judge

WIDER = 1.25
"""How many times as wide the last member's modules are; the paper does not say."""

_CROPS = (1, 10)  # 144 take 14 times as long as ten; docs/cli.md says how to ask for them
_MOST_MEMBERS = 99


@dataclass(frozen=True, eq=False)
class Ensemble:
    """What training several members left behind; ``together`` is None where there are no test images."""

    members: tuple[Run, ...]
    together: Evaluation | None
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """The document that ``googlenet train --members N --json`` prints (docs/cli.md)."""
        return {
            "members": [run.as_json() for run in self.members],
            "together": self.together.as_json() if self.together else None,
            "seconds": round(self.seconds, 1),
        }


def train_members(
    data: Path,
    settings: TrainSettings,
    folder: Path,
    members: int,
    *,
    language: Language = "en",
    reading: Progress,
    judging: Progress,
) -> Ensemble:
    """Train ``members`` >= 2 models into ``folder``/member-1, member-2, …, and judge them together into members.json.

    ``language`` is that of each member's report. Ctrl-C keeps what the member at work has learned, and ends there.
    """
    from googlenet.training.learner import find_learner
    from googlenet.training.processes import place_by_torchrun
    from googlenet.training.run import new_run_folder

    if not 2 <= members <= _MOST_MEMBERS:
        raise SettingsError(f"--members is {members}; give 1 to {_MOST_MEMBERS}, the paper has 7")
    if (world := place_by_torchrun().world) > 1:
        raise SettingsError(
            f"--members is {members} under torchrun, whose {world} processes train one model together; "
            "leave --members out, or train the members without torchrun"
        )
    started = monotonic()
    find_learner(settings.framework)  # may refuse, before anything is written
    new_run_folder(folder)
    runs: list[Run] = []
    for own in member_settings(settings, members):
        target = folder / f"member-{len(runs) + 1}"
        runs.append(train_and_judge(data, own, target, language=language, reading=reading, judging=judging))
        if read_model(runs[-1].model).record["interrupted"]:
            break
    together = _judge_together(data, settings.seed, runs, reading, judging)
    if together is not None:
        document = json.dumps(together.as_json(), ensure_ascii=False, indent=1)
        atomic_write(folder / "members.json", [document.encode()])
    return Ensemble(tuple(runs), together, monotonic() - started)


def member_settings(settings: TrainSettings, members: int) -> list[TrainSettings]:
    """What each member is trained with: an order of its own, the last one wider."""
    orders = [settings.model_copy(update={"member": number}) for number in range(members)]
    return [*orders[:-1], orders[-1].model_copy(update={"width": WIDER})]


def _judge_together(data: Path, seed: int, runs: list[Run], reading: Progress, judging: Progress) -> Evaluation | None:
    models = [read_model(run.model) for run in runs]
    dataset = read_dataset(data, seed=seed, classes=models[0].classes, progress=reading)
    if not len(dataset.select(Split.TEST)):
        return None
    return evaluate_together(models, dataset, crops=_CROPS, progress=judging)
