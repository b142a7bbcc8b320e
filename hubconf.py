"""``torch.hub.load(repository, "googlenet", variant="batch_norm", classes=5)``."""

from googlenet import torch as googlenet  # noqa: F401 - torch.hub looks for this name

dependencies = ["torch", "numpy", "pydantic", "safetensors", "natsort", "PIL"]
