"""Runs -> records: the model, its gradients, the optimiser, a cohort, a trainer.

Knows neither suite, plan nor store.
"""
