"""The gate: has a suite, or the mathematics under it, got worse than its baseline says?"""
