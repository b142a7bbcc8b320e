"""From files to batches: list and split the photographs, decode and prepare them, change them for training."""
