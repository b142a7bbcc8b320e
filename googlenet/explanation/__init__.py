"""Which part of a photograph speaks for an answer: maps of evidence, and checks that they deserve trust."""
