"""Figures as a textbook would print them, drawn from the spec: a scene of boxes, texts and lines, written twice."""
