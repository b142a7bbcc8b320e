"""From the spec to something that computes: one builder per framework, each a loop over ``Spec.layers``."""
