"""From a data set and settings to a sealed model.

``run`` and ``loop`` are the same for every framework; ``learner`` says what a framework must do for them, and a module
per framework does it.
"""
