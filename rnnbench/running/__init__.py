"""A plan, driven: who trains what next, and who is told."""
