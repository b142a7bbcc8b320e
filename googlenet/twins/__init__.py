"""PyTorch and TensorFlow side by side: one sealed model, the same images, the same steps of training."""
