"""What must never be lost, whatever happens: `python -m tests.soak` kills, fills, cuts and forges, and counts.

`program` is what is put under faults, `trial` says what must hold of it afterwards, every other module is a part of the
soak, found by its name.
"""
