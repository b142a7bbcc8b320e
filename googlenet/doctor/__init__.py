"""The data doctor: what is wrong with a folder of photographs, before a model learns it."""
