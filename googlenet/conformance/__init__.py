"""Whether a network is the paper's, layer by layer, told from its weights and its behaviour."""
