"""What the forward and the backward scan of a schedule are printed with: lines and blocks of text, scratch memory, and
the statements of a body as expressions of `vector` and `maths`.

Sums of a group lie side by side, those of one vector of units after those of another where a tile takes two. What is
kept of a step is (vectors of units, B, slots, WIDTH); what goes back, `d`, is (steps, B, slots, vectors of units,
WIDTH), so that what returns to one operand is one row of a product. Scratch memory is laid out by `Memory` alone,
which prints both where each part starts and how much there is in all.
"""

from __future__ import annotations

from collections import Counter

from rnnbench.kernels import pointwise
from rnnbench.kernels.heads import Heads
from rnnbench.kernels.pointwise import Body, Let, Load, Place, Store, Value
from rnnbench.kernels.schedule import Group, Schedule
from rnnbench.kernels.text import Memory, Text
from rnnbench.kernels.trace import I

COLUMNS = 6  # the most sums in one tile: more leave fewer rows of it in registers than loads are worth

BINARY = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
CALLS = {"abs": "absolute"}
BOUNDS = {"at_least": "where_gt({1}, {0}, {1}, {0})", "at_most": "where_gt({0}, {1}, {1}, {0})"}


class Program:
    """A scan of one schedule under construction; `guard` floats behind each part of scratch memory are nobody's."""

    def __init__(self, schedule: Schedule, add: Text, guard: int = 0) -> None:
        self.schedule, self.add, self.memory = schedule, add, Memory(guard)
        self.groups = [part for group in schedule.groups for part in _parts(group)]
        self.places = {each.slot: (n, m) for n, group in enumerate(self.groups) for m, each in enumerate(group.sums)}
        self.parameter = {name: n for n, name in enumerate(schedule.names)}
        self.rows = len(schedule.given) + len(schedule.hoisted)
        self.narrow = [name for name in schedule.names if schedule.narrow(name)]
        self.heads = Heads(schedule, add, self.memory)

    def print_sizes(self, name: str, arguments: str) -> None:
        """A function that gives the floats of each part of scratch memory."""
        add = self.add
        add()
        add()
        with add.block(f"def {name}({arguments}):"):
            self.widths()
            if "T" in arguments:
                self.heads.sizes()
            self.memory.size(add)

    def widths(self) -> None:
        """The sizes that everything is laid out by."""
        add, q = self.add, self.schedule
        add("N = (H + WIDTH - 1) // WIDTH")
        add(f"width, slots, depth, pair = N * WIDTH, {q.slots} * WIDTH, {len(q.sums)} * N * WIDTH, 2 * WIDTH")
        if self.narrow or q.uses_of:
            add(f"heads, D = {q.graph.heads}, H // {q.graph.heads}")

    def source(self, name: str) -> str:
        """Where a parameter lies, with a column for each unit."""
        number = self.parameter[name]
        return f"wide{number}" if name in self.narrow else f"floats(parameters[{number}])"

    def rows_of(self, name: str) -> str:
        """How many rows a parameter has."""
        rows = self.schedule.graph.parameters[name].args[1][0]
        return {1: "1", I: "I", self.schedule.graph.H: "H"}[rows]

    def reserve_wide(self, prefix: str) -> None:
        """Memory for parameters of a column a head, as ones of a column a unit."""
        for name in self.narrow:
            self.memory(f"{prefix}{self.parameter[name]}", f"{self.rows_of(name)} * H")

    def spread(self) -> None:
        """Those parameters as they are read."""
        for name in self.narrow:
            number = self.parameter[name]
            self.add(f"spread_columns(wide{number}, floats(parameters[{number}]), {self.rows_of(name)}, heads, D)")

    def prepare_rows(self) -> None:
        """Rows of parameters in whole vectors, and those that are computed once."""
        add, q = self.add, self.schedule
        for n, node in enumerate(q.given):
            source = self.source(node.name)
            add(f"pack(floats(at_fixed + {4 * n} * width), 1, 1, 0, 1, 0, {source}, 1, H)")
        if q.hoisted:
            with add.block("for n in range(N):"):
                add("v = n * WIDTH")
                self.print_body(pointwise.prologue(q))

    def print_body(self, body: Body, back: bool = False, sums: str = "dsteps") -> None:
        """The statements of a body, `back` on the way back; gradients of rows are added to `sums`."""
        for line in contracted(body):
            if isinstance(line, Load):
                self.add(f"{line.variable} = load({self._place(line.place, back, sums)})")
            elif isinstance(line, Let):
                self.add(f"{line.variable} = {_expression(line)}")
            else:
                value = line.value if isinstance(line.value, str) else f"splat({line.value!r})"
                if line.place[0] == "dsum" and self.schedule.risky:
                    value = f"inside({value}, H - v)"
                self.add(f"store({self._place(line.place, back, sums)}, {value})")

    def _place(self, place: Place, back: bool, sums: str) -> str:
        q, (buffer, n) = self.schedule, place
        units, m = ("units", "m") if q.units == 2 else ("1", "0")
        rows = {"given": 0, "row": len(q.given)}
        match buffer:
            case "slot" if q.sums[n] is q.direct:
                return "hs, old + B * width + u"
            case "slot":
                group, column = self.places[n]
                first, C = q.slot[self.groups[group].sums[0]], len(self.groups[group].sums)
                return f"kept, z + ({first} * {units} + {m} * {C} + {column}) * WIDTH"
            case "extra":
                return f"kept, z + ({len(q.slot) + len(q.others) + n} * {units} + {m}) * WIDTH"
            case "was":
                return f"kept, z + ({len(q.slot) + n} * {units} + {m}) * WIDTH"
            case "state" if n == q.home:
                return "hs, old + u"
            case "state" if back:
                return self._place(("was", q.others.index(n)), back, sums)
            case "new":
                return f"state{n}, u"
            case "output":
                return "hs, new + u"
            case "operand":
                return f"operand{n}, u"
            case "vector" | "result":
                return f"kept, {self.heads.held(buffer, n)} + u"
            case "dsent" | "dresult":
                return f"{buffer}, {n} * B * width + u"
            case "given" | "row":
                return f"fixed, {rows[buffer] + n} * width + v"
            case "dgiven" | "drow":
                return f"{sums}, {rows[buffer[1:]] + n} * width + v"
            case "dh":
                return "returned_h, r * pair + m * WIDTH" if q.back is not None else "dys, slot + u"
            case "dvalue":
                return f"returned_{n}, r * pair + m * WIDTH"
            case "dsum":
                return f"d, now + (b + r) * depth + {n} * width + v"
            case "history":
                return f"history{n}, (t - begin) * B * width + u"
        return f"{buffer}{n}, u"


def _parts(group: Group) -> list[Group]:
    """A group in equal parts that fit a tile."""
    count = -(-len(group.sums) // COLUMNS)
    size = -(-len(group.sums) // count)
    return [
        Group(group.stage, group.operands, group.sums[first : first + size])
        for first in range(0, len(group.sums), size)
    ]


def contracted(body: Body) -> list[Load | Let | Store]:
    """The statements with `fma` for a product that only one sum or difference reads: one rounding and half the time, by
    a rule and not by a compiler's choice."""
    uses: Counter[Value] = Counter()
    for line in body.statements:
        uses.update(line.args if isinstance(line, Let) else [line.value] if isinstance(line, Store) else [])
    products = {
        line.variable: line
        for line in body.statements
        if isinstance(line, Let) and line.op == "mul" and uses[line.variable] == 1
    }
    gone: set[str] = set()
    found: list[Load | Let | Store] = []
    for line in body.statements:
        if isinstance(line, Let) and line.op in ("add", "sub"):
            x, y = line.args
            if isinstance(y, str) and y in products:
                gone.add(y)
                line = Let(line.variable, "fma" if line.op == "add" else "fma_from", (*products[y].args, x))
            elif isinstance(x, str) and x in products and line.op == "add":
                gone.add(x)
                line = Let(line.variable, "fma", (*products[x].args, y))
        found.append(line)
    return [line for line in found if not (isinstance(line, Let) and line.variable in gone)]


def _expression(line: Let) -> str:
    args = [each if isinstance(each, str) else repr(each) for each in line.args]
    if line.op == "scale":
        return "1.0 / sqrt(splat(1.0 * D))"
    if line.op in BINARY:
        return f"{args[0]} {BINARY[line.op]} {args[1]}"
    if line.op == "fma_from":
        return f"fma(-1.0 * {args[0]}, {args[1]}, {args[2]})"
    if line.op in BOUNDS:
        return BOUNDS[line.op].format(*args)
    return f"{CALLS.get(line.op, line.op)}({', '.join(args)})"
