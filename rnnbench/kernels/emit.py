"""A schedule as the text of a module: its forward and its backward scan, and what both need of scratch memory."""

from __future__ import annotations

from rnnbench.kernels.adjoint import Backward
from rnnbench.kernels.backward import Back
from rnnbench.kernels.forward import Forward
from rnnbench.kernels.schedule import Schedule
from rnnbench.kernels.text import Text

HEAD = '''"""{title}: derived from its equations."""

from rnnbench.kernels.lanes import inside
from rnnbench.kernels.maths import cos, erf, exp, log, maximum, sigmoid, sign, sin, tanh
from rnnbench.kernels.matrix import copy, fold_columns, head_sums, recall, remember, remember_and_recall, spread_columns
from rnnbench.kernels.matrix_back import (
    asked_of_decayed, asked_of_pair, gather, recall_back, remember_and_recall_back, remember_back
)
from rnnbench.kernels.panels import (
    add_by_token, add_products, add_rows, clear, look_up, pack, pack_transposed, send_back, unpack
)
from rnnbench.kernels.tiles import ROWS, product
from rnnbench.kernels.vector import (
    WIDTH, absolute, floats, fma, integers, load, prefetch, relu, splat, sqrt, store, where_ge, where_gt
)
'''


def emit(schedule: Schedule, title: str, guard: int = 0) -> str:
    """The text; `guard` floats behind each part of scratch memory are nobody's."""
    bodies, add = Backward(schedule), Text()  # the bodies first: they say what is kept of a step
    add.lines += HEAD.format(title=title).splitlines()
    add()
    assert schedule.input is not None
    matrix = next(name for _, matrices in schedule.input.runs for name in matrices if not schedule.narrow(name))
    add(f"NAMES = {schedule.names!r}  # of the parameters, in the order in which the scans take them")
    add(f"INPUT = {schedule.names.index(matrix)}  # the one whose rows are those of an input")
    forward, backward = Forward(schedule, add, guard), Back(schedule, add, guard)
    forward.print()
    forward.print_sizes("forward_parts", "B, I, H")
    forward.print_kept()
    backward.print(bodies)
    backward.print_sizes("backward_parts", "T, B, I, H, steps")
    return "\n".join(add.lines) + "\n"
