"""The explorer: one HTML file in which a reader looks into their own model at work on their own photographs.

- ``network.py``, ``reductions.py``: the drawing: blocks, branches, costs, the paper's numbers.
- ``look.py``: a photograph through the whole network: answers, ``maps.py``, ``branches.py``, ``evidence.py``,
  ``switches.py``.
- ``page.py``: both as JSON, with the ``texts`` and the scripts and styles of ``web``, in one page.
"""
