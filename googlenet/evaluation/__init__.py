"""What a model answers on images, how good that is, and how to show it. Imports no training framework."""
