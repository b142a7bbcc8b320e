"""The learner on PyTorch, on the GPU where there is one; in several processes where ``torchrun`` starts them.

Then each process sees its share of a batch, and gradients are means over all of them (``DistributedDataParallel``).
Batch norm normalises a share by the share's own statistics, as is usual; its running statistics are averaged over the
processes at each step, so that all hold the same network.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel

from googlenet.data.batches import Batch
from googlenet.data.preprocess import Preprocessing
from googlenet.network.logits import Logits
from googlenet.network.torch_net import GoogLeNet
from googlenet.settings import TrainSettings
from googlenet.spec import FEATURES, Spec
from googlenet.training.learner import Step
from googlenet.training.precision import ChosenPrecision
from googlenet.training.processes import average_over_all, from_all, place
from googlenet.training.torch_device import Normaliser, device_in_words, training_device
from googlenet.training.torch_optimiser import WeightAverage, freeze, make_optimiser, restore_optimiser, train_mode
from googlenet.training.torch_precision import autocast, torch_precision
from googlenet.training.torch_vitals import look
from googlenet.training.vitals import Vitals
from googlenet.weights.model_file import Tensors


class TorchLearner:
    """As the protocol ``Learner`` says."""

    packages = ("torch",)

    def __init__(
        self,
        spec: Spec,
        preprocessing: Preprocessing,
        settings: TrainSettings,
        class_weights: NDArray[np.float32] | None,
    ) -> None:
        self.rank, self.world = place().rank, place().world
        device = training_device()
        self.settings, self._device = settings, device
        self.device, self.threads = device_in_words(device), torch.get_num_threads()
        self.precision = _most_careful(from_all(torch_precision(settings.precision, spec, device)))
        self.net = GoogLeNet(spec).to(device)
        self.net.to(memory_format=torch.channels_last)
        freeze(self.net, settings.frozen)
        self._replica: GoogLeNet | DistributedDataParallel = self.net
        self._statistics = [b for name, b in self.net.named_buffers() if name.rsplit(".")[-1].startswith("running_")]
        self.average = WeightAverage(self.net)
        self.optimiser = make_optimiser(self.net, settings)
        self._normalise = Normaliser(preprocessing, device)
        self._class_weights = None if class_weights is None else torch.from_numpy(class_weights).to(device)

    def load(self, tensors: Tensors) -> None:
        self.net.load_canonical(tensors)
        self._join()
        self.average.update(1.0)
        self.optimiser = make_optimiser(self.net, self.settings)

    def state(self) -> dict[str, NDArray[Any]]:
        parts = {"net": self.net.state_dict(), "average": self.average.net.state_dict()}
        remembered: dict[int, dict[str, Tensor]] = self.optimiser.state_dict()["state"]
        parts |= {f"optimiser/{number}": slots for number, slots in remembered.items()}
        return {
            f"{part}/{name}": value.cpu().numpy() for part, values in parts.items() for name, value in values.items()
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        for part, net in (("net", self.net), ("average", self.average.net)):
            for name, tensor in net.state_dict().items():
                tensor.copy_(torch.from_numpy(state[f"{part}/{name}"]))
        self.optimiser = make_optimiser(self.net, self.settings)
        restore_optimiser(self.optimiser, state, "optimiser/")
        self._join()

    def _join(self) -> None:
        """Begin as the first process does, and go on together."""
        if self.world > 1:
            self._replica = DistributedDataParallel(self.net)

    def step(self, batch: Batch, step: Step) -> dict[str, float]:
        torch.manual_seed(step.seed + self.rank)  # each share has dropout masks of its own
        for group in self.optimiser.param_groups:
            group["lr"] = step.rate
        labels = torch.from_numpy(batch.labels).to(self._device)
        train_mode(self.net)
        with autocast(self.precision.name, self._device):
            logits = self._replica(self._normalise(batch.images))
        losses = self._losses(logits, labels)
        loss = losses["main"] + self.settings.aux_weight * sum(losses[head] for head in losses if head != "main")
        self.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        norm = torch.nn.utils.clip_grad_norm_(self.net.parameters(), self.settings.clip_norm)
        right = (logits.main.argmax(1) == labels).float().mean()
        values = {f"loss_{head}": value for head, value in losses.items()} | {"top1": right, "gradient_norm": norm}
        average_over_all([*values.values(), *self._statistics])
        # all that is read from a GPU is read here at once; the optimiser's work goes on while the next batch comes
        figures = dict(zip(values, torch.stack(list(values.values())).tolist(), strict=True))
        if isfinite(figures["gradient_norm"]):  # else the weights stay as they were, so that the cause can be found
            self.optimiser.step()
            self.average.update(step.average_share)
        return figures

    def _losses(self, logits: Logits[Tensor], labels: Tensor) -> dict[str, Tensor]:
        share = self._share_of_weight(labels)
        heads = {"main": logits.main, "aux1": logits.aux1, "aux2": logits.aux2}
        return {
            head: share
            * functional.cross_entropy(
                value.float(), labels, self._class_weights, label_smoothing=self.settings.label_smoothing
            )
            for head, value in heads.items()
            if value is not None
        }

    def _share_of_weight(self, labels: Tensor) -> Tensor | float:
        """What this process's images weigh, in terms of the mean over all processes."""
        if self.world == 1 or self._class_weights is None:
            return 1.0
        here = self._class_weights[labels].sum()
        mean = here.clone()
        average_over_all([mean])
        return here / mean

    def averaged(self) -> dict[str, NDArray[np.float32]]:
        return self.average.net.canonical()

    @torch.no_grad()
    def logits(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        with autocast(self.precision.name, self._device):
            found: Tensor = self.average.net(self._inputs(images)).main
        return found.float().cpu().numpy()

    @torch.no_grad()
    def features(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        self.net.eval()
        with autocast(self.precision.name, self._device):
            found = self.net.activations(self._inputs(images), [FEATURES])[FEATURES]
        return found.flatten(1).float().cpu().numpy()

    def vitals(self, images: NDArray[np.float32]) -> Vitals:
        for mine, mean in zip(self.net.buffers(), self.average.net.buffers(), strict=True):
            if not mine.isfinite().all():  # a batch that broke has left its mark on the statistics of batch norm
                mine.copy_(mean)
        with autocast(self.precision.name, self._device):
            return look(self.net, self._inputs(images))

    def _inputs(self, images: NDArray[np.float32]) -> Tensor:
        return torch.from_numpy(images).to(self._device, memory_format=torch.channels_last)


def _most_careful(choices: list[ChosenPrecision]) -> ChosenPrecision:
    """One arithmetic for all processes: bf16 only where each has it."""
    return next((choice for choice in choices if choice.name == "fp32"), choices[0])
