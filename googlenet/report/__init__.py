"""An evaluation for people: a page that opens offline, and a model card."""
