"""Which files of tests begin first: those that take long must not begin last, when the other workers are done."""

from __future__ import annotations

# The longest first, but those that compile and those that start processes in turn: two workers that want the same
# kernel wait for one another. `make test` ends with the tests that took longest.
LONGEST = (
    "test_derivation", "test_cli", "test_backprop", "test_workers", "test_kernels", "test_ray", "test_transformer_solo",
    "test_check", "test_same_bits", "test_notebook", "test_layers", "test_streams", "test_calibration",
    "test_documents", "test_train", "test_wheel", "test_probing", "test_adding", "test_verify", "test_hosted",
    "test_events", "test_doors", "test_crashes",
)  # fmt: skip
PLACES = {name: number for number, name in enumerate(LONGEST)}


def place(name: str) -> int:
    """The place of a file in the order, by its name; those that are not named come last, and stay as they are.

    >>> place("test_derivation"), place("test_cli"), place("test_words") == place("test_spans")
    (0, 1, True)
    """
    return PLACES.get(name, len(PLACES))
