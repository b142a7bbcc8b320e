"""From a data set and settings to a sealed model, with PyTorch."""
