"""Epochs planned for a given time: the sums on made-up speeds, and a run that has no time left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import monotonic

import pytest

from googlenet.cli.train import train as train_command
from googlenet.data.index import read_dataset
from googlenet.errors import SettingsError
from googlenet.recipes import digits, finetune, scratch
from googlenet.training import run as training_run
from googlenet.training.budget import Budget, Counts, Plan, Speeds, in_words, plan, seconds_of
from googlenet.training.run import new_run_folder, run_settings, train
from googlenet.variants import batch_norm
from googlenet.workflow import train_and_judge

COUNTS = Counts(train=1000, val=200, test=200)
SPEEDS = Speeds(
    step={64: 0.002, 96: 0.004, 128: 0.007, 160: 0.01}, first_sight=0.005, validated={184: 0.005}, judged={184: 0.01}
)


def test_all_costs_together_fill_the_time() -> None:
    found = plan(digits(), COUNTS, replace(SPEEDS, step={64: 0.002}), seconds=600, spent=20)
    training = found.settings.epochs * (1000 * 0.002 + 200 * 0.005) + 1000 * 0.005
    rest = 0.01 * (200 + 200 + 1000) + 0.005 * 200  # judged after it
    assert 0.95 * 600 < 20 + training + rest < 600
    assert rest < found.seconds_after < rest + 15
    assert "10m" in found.words


def test_enough_time_keeps_the_sizes_and_little_makes_them_smaller() -> None:
    long, middle, short = (plan(scratch(), COUNTS, SPEEDS, seconds=time, spent=5).settings for time in (900, 260, 120))
    assert (long.first_size, long.image_size, long.test_size) == (96, 160, 184)
    assert middle.image_size == 128
    assert short.image_size == 96
    assert long.epochs > 30
    assert middle.epochs > 30
    assert 1 <= short.epochs < 30


def test_smaller_pictures_are_judged_faster() -> None:
    slow = replace(SPEEDS, validated={184: 0.02}, judged={184: 0.04})
    fast = replace(SPEEDS, validated={110: 0.005, 184: 0.02}, judged={110: 0.01, 184: 0.04})
    one, other = (plan(scratch(), COUNTS, speeds, seconds=140, spent=5) for speeds in (slow, fast))
    assert one.settings.image_size == other.settings.image_size == 96
    assert one.seconds_after - other.seconds_after == pytest.approx(1400 * 0.03 + 200 * 0.015)
    epoch = 1000 * (0.002 + 0.004) / 2  # half of it at 64 pixels, half at 96
    assert other.settings.epochs == pytest.approx(
        0.98 * (140 - 5 - 1000 * 0.005 - other.seconds_after) / (epoch + 200 * 0.005), rel=0.02
    )


def test_twice_the_time_is_more_than_twice_the_epochs() -> None:
    one, two = (plan(scratch(), COUNTS, SPEEDS, seconds=time, spent=5).settings.epochs for time in (1000, 2000))
    assert two > 2 * one


def test_from_scratch_too_little_names_the_least_which_is_enough() -> None:
    with pytest.raises(SettingsError, match="too little for one epoch") as caught:
        plan(scratch(), COUNTS, SPEEDS, seconds=20, spent=5)
    least = seconds_of(str(caught.value).split("give ")[1].split()[0])
    assert plan(scratch(), COUNTS, SPEEDS, seconds=least, spent=5).settings.epochs >= 1
    with pytest.raises(SettingsError):
        plan(scratch(), COUNTS, SPEEDS, seconds=least - 3, spent=5)


def test_from_weights_too_little_fits_the_head() -> None:
    settings = finetune(weights=Path("any.safetensors"))
    found = plan(settings, COUNTS, replace(SPEEDS, step={192: 0.03}), seconds=60, spent=5)
    assert found.settings.epochs * 1000 == settings.batch_size
    assert "only the new head" in found.words
    assert plan(settings, COUNTS, replace(SPEEDS, step={192: 0.03}), seconds=600, spent=5).settings.epochs > 10


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("10m", 600), ("1h30m", 5400), ("1h0m1s", 3601)])
def test_times_are_read(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds == seconds_of(in_words(seconds))


@pytest.mark.parametrize("text", ["", "10", "m", "-5m", "0s", "5m10", "1.5h"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="--time"):
        seconds_of(text)


@pytest.mark.parametrize("more", [{"epochs": 3.0}, {"members": 2}])
def test_time_goes_with_neither_epochs_nor_members(more: dict[str, float], tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="--time"):
        train_command(tmp_path, out=tmp_path / "run", time="1m", **more)  # type: ignore[arg-type]


def test_a_run_that_gets_slower_ends_early_with_its_best(
    colour_folder: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[Speeds] = []

    def too_much(settings: object, counts: object, speeds: Speeds, **_: object) -> Plan:
        measured.append(speeds)
        return Plan(scratch(image_size=64, epochs=1000, batch_size=8, precision="fp32"), 1.0, "a plan")

    monkeypatch.setattr(
        training_run, "variant", lambda name, classes, aux_heads: batch_norm(classes, aux_heads=aux_heads).scaled(1 / 8)
    )
    monkeypatch.setattr(training_run, "plan", too_much)
    folder, settings = new_run_folder(tmp_path / "run"), scratch(image_size=128, batch_size=8, precision="fp32")
    model = train(read_dataset(colour_folder(per_class=8)), settings, folder, budget=Budget(3, monotonic()))
    assert model.record["interrupted"], "all of a plan that takes minutes was trained"
    assert model.tensors
    assert measured[0].step.keys() == {64, 128}
    assert measured[0].validated.keys() == measured[0].judged.keys() == {110, 147}  # what may be sealed
    assert run_settings(folder).epochs == 1000
    assert "the time is up" in (folder / "log.jsonl").read_text()


def test_a_time_that_is_refused_leaves_no_folder(colour_folder: Callable[..., Path], tmp_path: Path) -> None:
    settings = scratch(image_size=64, batch_size=8, precision="fp32")
    with pytest.raises(SettingsError, match="--time is 1s, too little for one epoch"):
        train_and_judge(
            colour_folder(per_class=8), settings, tmp_path / "run", seconds=1, reading=_quiet, judging=_quiet
        )
    assert not (tmp_path / "run").exists(), "the remedy names the same command with more time"


def _quiet(done: int, total: int) -> None:
    """Progress that nobody looks at."""
