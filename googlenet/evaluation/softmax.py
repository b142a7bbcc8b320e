"""The softmax, from where it was."""

from googlenet.engines.softmax import softmax as softmax
