"""How fast a model answers on this machine: each engine in a process of its own, measured in turns."""
