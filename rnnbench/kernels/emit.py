"""A schedule printed as one forward and one backward scan over the tiles of `vector.py` and the panels of `panels.py`.

Sums of a group lie side by side, those of one vector of units after those of another where a tile takes two. What is
kept of a step is (vectors of units, B, slots, WIDTH); what goes back, `d`, is (steps, B, slots, vectors of units,
WIDTH), so that what returns to one operand is one row of a product. Scratch memory is laid out by `_Memory` alone,
which prints both where each part starts and how much there is in all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import accumulate

from rnnbench.kernels import pointwise
from rnnbench.kernels.pointwise import Body, Let, Load, Place
from rnnbench.kernels.schedule import Group, Operand, Schedule
from rnnbench.kernels.trace import Node

COLUMNS = 6  # the most sums in one tile: more leave fewer rows of it in registers than loads are worth

HEAD = '''"""{title}: derived from its equations, for width {width}."""

from rnnbench.kernels.maths import cos, exp, log, maximum, sigmoid, sign, sin, tanh
from rnnbench.kernels.panels import (
    add_by_token, add_products, add_rows, clear, look_up, pack, pack_transposed, send_back, unpack
)
from rnnbench.kernels.vector import (
    ROWS, WIDTH, absolute, floats, inside, integers, load, prefetch, product, relu, splat, store, where_ge,
    where_gt
)
'''

BINARY = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
CALLS = {"abs": "absolute"}
BOUNDS = {"at_least": "where_gt({1}, {0}, {1}, {0})", "at_most": "where_gt({0}, {1}, {1}, {0})"}


class _Text:
    """Lines of a program, indented by blocks."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.depth = 0

    def __call__(self, line: str = "") -> None:
        self.lines.append("    " * self.depth + line if line else "")

    def block(self, line: str) -> _Block:
        self(line)
        return _Block(self)


class _Block:
    def __init__(self, text: _Text) -> None:
        self.text = text

    def __enter__(self) -> None:
        self.text.depth += 1

    def __exit__(self, *error: object) -> None:
        self.text.depth -= 1


@dataclass
class _Memory:
    """Scratch memory: a name and a number of floats, as an expression in the scan's sizes, for each part."""

    guard: int  # floats behind each part that nobody may write to
    parts: list[tuple[str, str]] = field(default_factory=list)

    def __call__(self, name: str, floats: str) -> None:
        self.parts.append((name, floats))

    def places(self, add: _Text) -> None:
        for name, size in self.parts:
            add(f"at_{name} = scratch")
            add(f"{name} = floats(scratch)")
            add(f"scratch += 4 * ({size}{f' + {self.guard}' if self.guard else ''})")

    def size(self, add: _Text) -> None:
        ends = ", ".join(f"{size}" for _, size in self.parts) or "0"
        add(f"return [{ends}]")


class Emitter:
    """Prints the scans of one schedule; `guard` floats behind each part of scratch memory are nobody's."""

    def __init__(self, schedule: Schedule, title: str, width: int, guard: int = 0) -> None:
        self.schedule, self.title, self.width, self.guard = schedule, title, width, guard
        self.groups = [part for group in schedule.groups for part in _parts(group)]
        self.places = {each.slot: (n, m) for n, group in enumerate(self.groups) for m, each in enumerate(group.sums)}
        self.parameter = {name: n for n, name in enumerate(schedule.names)}
        self.rows = len(schedule.given) + len(schedule.hoisted)
        self.back = pointwise.Backward(schedule)
        self.add = _Text()

    def source(self) -> str:
        """The text of the module, with `forward`, `backward` and what they need of scratch memory."""
        q, add = self.schedule, self.add
        add.lines += HEAD.format(title=self.title, width=self.width).splitlines()
        add()
        assert q.input is not None
        add(f"NAMES = {q.names!r}  # of the parameters, in the order in which the scans take them")
        add(f"INPUT = {self.parameter[q.input.runs[0][1][0]]}  # the one whose rows are those of an input")
        add(f"SLOTS = {q.slots}  # vectors kept of a step, for each row and vector of units")
        memory = self._forward()
        self._sizes("forward_parts", "B, I, H", memory)
        memory = self._backward()
        self._sizes("backward_parts", "B, I, H, steps", memory)
        return "\n".join(self.add.lines) + "\n"

    def _sizes(self, name: str, arguments: str, memory: _Memory) -> None:
        add = self.add
        add()
        add()
        with add.block(f"def {name}({arguments}):"):
            self._widths()
            memory.size(add)

    def _widths(self) -> None:
        add, q = self.add, self.schedule
        add("N = (H + WIDTH - 1) // WIDTH")
        add(f"width, slots, depth, pair = N * WIDTH, {q.slots} * WIDTH, {len(q.sums)} * N * WIDTH, 2 * WIDTH")

    # Forward.

    def _forward(self) -> _Memory:
        add, q, U = self.add, self.schedule, self.schedule.units
        memory = _Memory(self.guard)
        for g, group in enumerate(self.groups):
            memory(f"panels{g}", f"({self._rows_of(group)}) * {len(group.sums) * U} * ((N + {U - 1}) // {U}) * WIDTH")
        for n in range(len(q.computed)):
            memory(f"operand{n}", "B * width")
        for k in q.others:
            memory(f"state{k}", "B * width")
        memory("fixed", f"{self.rows} * width")
        add()
        add()
        with add.block("def forward(parameters, xs, tokens, hs, kept, scratch, T, B, I, H, keep):"):
            self._widths()
            add("dense = I if tokens == 0 else 0  # how many numbers of an input are multiplied")
            add("xs, tokens, hs, kept = floats(xs), integers(tokens), floats(hs), floats(kept)")
            memory.places(add)
            for g, group in enumerate(self.groups):
                self._pack(g, group)
            self._prepare_rows()
            for k in q.others:
                add(f"clear(state{k}, B * width)")
            add("clear(hs, B * width)")
            with add.block("for t in range(T):"):
                add("old, new = t * B * width, (t + 1) * B * width")
                self._before()
                for stage in range(q.count):
                    self._stage(stage)
        return memory

    def _rows_of(self, group: Group) -> str:
        return " + ".join(["1", *("I" if each is self.schedule.graph.x else "H" for each in group.operands)])

    def _pack(self, g: int, group: Group) -> None:
        add, U, C = self.add, self.schedule.units, len(group.sums)
        depth = self._rows_of(group)
        add(f"clear(panels{g}, ({depth}) * {C * U} * ((N + {U - 1}) // {U}) * WIDTH)")
        for m, each in enumerate(group.sums):
            common = f"panels{g}, {C * U}, {depth}"
            if each.bias is not None:
                add(f"pack({common}, 0, {C}, {m}, floats(parameters[{self.parameter[each.bias]}]), 1, H)")
            for (operand, matrix), first in zip(each.terms, self._firsts(group), strict=True):
                rows = "I" if operand is self.schedule.graph.x else "H"
                source = f"floats(parameters[{self.parameter[matrix]}])"
                add(f"pack({common}, {first}, {C}, {m}, {source}, {rows}, H)")

    def _firsts(self, group: Group) -> list[str]:
        """The row of a panel at which each operand's part starts."""
        sizes = ["1", *("I" if each is self.schedule.graph.x else "H" for each in group.operands)]
        return list(accumulate(sizes, "{} + {}".format))[:-1]

    def _prepare_rows(self) -> None:
        """Rows of parameters in whole vectors, and those that are computed once."""
        add, q = self.add, self.schedule
        for n, node in enumerate(q.given):
            source = f"floats(parameters[{self.parameter[node.name]}])"
            add(f"pack(floats(at_fixed + {4 * n} * width), 1, 1, 0, 1, 0, {source}, 1, H)")
        if q.hoisted:
            with add.block("for n in range(N):"):
                add("v = n * WIDTH")
                self._print(pointwise.prologue(q))

    def _before(self) -> None:
        """The operands that are made of states alone."""
        add, body = self.add, pointwise.forward(self.schedule, -1)
        if body.statements:
            with add.block("for b in range(B):"), add.block("for n in range(N):"):
                add("v = n * WIDTH")
                add("u = b * width + v")
                self._print(body)

    def _stage(self, stage: int) -> None:
        add, q, U = self.add, self.schedule, self.schedule.units
        with add.block(f"for n in range(0, N, {U}):  # stage {stage}"):
            add(f"units = {'min(2, N - n)' if U == 2 else '1'}")
            add("step, z0 = slots * units, (t * keep * N + n) * B * slots")
            for g, group in enumerate(self.groups):
                if group.stage == stage:
                    self._sum(g, group)
            with add.block("for m in range(units):"):
                add("v = (n + m) * WIDTH")
                with add.block("for b in range(B):"):
                    add("z, u = z0 + b * step, b * width + v")
                    self._print(pointwise.forward(q, stage))

    def _sum(self, g: int, group: Group) -> None:
        add, q, U, C = self.add, self.schedule, self.schedule.units, len(group.sums)
        row = f"{C * U} * WIDTH"
        add(f"base = n // {U} * ({self._rows_of(group)}) * {row}")
        if group.sums[0] is q.direct:
            out, at, step = "hs", "new + n * WIDTH", "width"
        else:
            out, at, step = "kept", f"z0 + {q.slot[group.sums[0]]} * units * WIDTH", "step"
        add(f"at = {at}")
        reads = q.graph.x in group.operands
        if reads:
            with add.block("if dense < I:"):
                add(f"look_up({out}, at, {step}, {C} * units, tokens, t * B, B, panels{g}, base, {row})")
        terms = [
            f"({self._source(operand)}, panels{g}, base + ({first}) * {row}, {row})"
            for operand, first in zip(group.operands, self._firsts(group), strict=True)
        ]
        add("b = 0")
        with add.block("while b < B:"):
            start = f"(panels{g}, base, 0)"
            add(f"start = {start} if dense else ({out}, at + b * {step}, {step})" if reads else f"start = {start}")
            add(f"terms = ({', '.join(terms)},)")
            sizes = [(f"if units == {U}:", C * U), ("else:", C)] if U == 2 else [("", C)]
            for condition, columns in sizes:
                line = f"b += product({columns}, B - b, ({out}, at + b * {step}, {step}), start, terms)"
                if condition:
                    with add.block(condition):
                        add(line)
                else:
                    add(line)

    def _source(self, operand: Node) -> str:
        """The first fields of a product's term: the rows that a matrix multiplies."""
        q = self.schedule
        if operand is q.graph.x:
            return "xs, (t * B + b) * I, I, 1, dense"
        if operand is q.h:
            return "hs, old + b * width, width, 1, H"
        return f"operand{self._computed(operand)}, b * width, width, 1, H"

    def _computed(self, node: Node) -> int:
        return next(n for n, each in enumerate(self.schedule.computed) if each.node is node)

    # Backward.

    def _backward(self) -> _Memory:
        add, q = self.add, self.schedule
        backward = self.back
        memory = _Memory(self.guard)
        operands = self._returning()
        for name, operand in operands:
            memory(f"back_{name}", f"(N + 1) // 2 * pair * {operand.slots} * width")
            memory(f"returned_{name}", "ROWS * pair")
        memory("back_x", "(I + pair - 1) // pair * pair * depth")
        memory("d", "steps * B * depth")
        blocks = len(operands)
        memory("dweights", f"(1 + I + {blocks} * H) * depth")
        memory("by_token", "I * depth")
        for k in sorted(backward.straight):
            memory(f"dstate{k}", "B * width")
        for n in range(len(backward.carried)):
            memory(f"carry{n}", "B * width")
        for n in range(len(q.computed)):
            memory(f"history{n}", "steps * B * width")
        for name in ("fixed", "drows", "dsteps"):
            memory(name, f"{self.rows} * width")
        memory("one", "WIDTH")
        memory("zero", "pair")
        add()
        add()
        arguments = "parameters, dparameters, dys, answered, xs, tokens, hs, kept, scratch, dxs, T, B, I, H, steps"
        with add.block(f"def backward({arguments}):"):
            self._widths()
            add("with_dxs, dense = dxs != 0, tokens == 0")
            add("answered, tokens = integers(answered), integers(tokens)")
            add("dys, xs, hs, kept, dxs = floats(dys), floats(xs), floats(hs), floats(kept), floats(dxs)")
            memory.places(add)
            self._clear(operands, backward.straight)
            self._prepare_rows()
            add("end = T")
            with add.block("while end > 0:"):
                add("begin = (end - 1) // steps * steps")
                with add.block("for t in range(end - 1, begin - 1, -1):"):
                    add("later, now, old = (t + 1 - begin) % steps * B * depth, (t - begin) * B * depth, t * B * width")
                    add("slot, before = answered[t] * B * width, answered[max(t - 1, 0)] * B * width  # rows of dys")
                    for stage in range(q.count - 1, -2, -1):
                        self._stage_back(stage, backward.bodies[stage])
                    if self.rows:
                        with add.block(f"for m in range(0, {self.rows} * width, WIDTH):  # less is lost in rounding"):
                            add("store(drows, m, load(drows, m) + load(dsteps, m))")
                            add("store(dsteps, m, splat(0.0))")
                self._weights(operands)
                add("end = begin")
            if q.hoisted:
                with add.block("for n in range(N):"):
                    add("v = n * WIDTH")
                    self._print(pointwise.epilogue(q), back=True, sums="drows")
            self._unpack(operands)
        return memory

    def _returning(self) -> list[tuple[str, Operand]]:
        """The operands that something goes back to inside of a scan, h first."""
        q = self.schedule
        back = [("h", q.back)] if q.back is not None else []
        return back + [(str(n), operand) for n, operand in enumerate(q.computed)]

    def _clear(self, operands: list[tuple[str, Operand]], straight: set[int]) -> None:
        add, q = self.add, self.schedule
        add("store(one, 0, splat(1.0))")
        add("clear(zero, pair)")
        add(f"clear(dweights, (1 + I + {len(operands)} * H) * depth)")
        for k in sorted(straight):
            add(f"clear(dstate{k}, B * width)")
        if self.rows:
            add(f"clear(drows, {self.rows} * width)")
            add(f"clear(dsteps, {self.rows} * width)")
        for name, operand in operands:
            add(f"clear(back_{name}, (N + 1) // 2 * pair * {operand.slots} * width)")
            matrices = [matrix for _, run in operand.runs for matrix in run]
            for n, matrix in enumerate(matrices):
                source = f"floats(parameters[{self.parameter[matrix]}])"
                add(f"pack_transposed(back_{name}, {operand.slots} * width, {n} * N, 1, 0, {source}, H, H)")
        assert q.input is not None
        with add.block("if with_dxs:"):
            add("clear(back_x, (I + pair - 1) // pair * pair * depth)")
            for first, matrices_ in q.input.runs:
                for n, matrix in enumerate(matrices_, first):
                    source = f"floats(parameters[{self.parameter[matrix]}])"
                    add(f"pack_transposed(back_x, depth, {n} * N, 1, 0, {source}, I, H)")

    def _stage_back(self, stage: int, body: Body) -> None:
        add, q = self.add, self.schedule
        last = stage == q.count - 1
        returning = [
            (name, operand) for name, operand in self._returning() if (last if name == "h" else operand.stage == stage)
        ]
        if not body.statements and not returning:
            return
        with add.block(f"for n in range(0, N, 2):  # stage {stage}"):
            add("units, b = min(2, N - n), 0")
            with add.block("while b < B:"):
                add("rows = B")
                for name, operand in returning:
                    self._return(name, operand)
                with add.block("for m in range(units):"):
                    add("v = (n + m) * WIDTH")
                    with add.block("for r in range(rows):"):
                        at = "((t * N + n) * B + (b + r) * units)" if q.units == 2 else "((t * N + n + m) * B + b + r)"
                        add(f"z, u = {at} * slots, (b + r) * width + v")
                        if last:
                            self._prefetch()
                        self._print(body, back=True)
                add("b += rows")

    def _prefetch(self) -> None:
        """What the step before will want."""
        add, q = self.add, self.schedule
        with add.block(f"for k in range({q.slots}):"):
            shift = "m * slots + " if q.units == 2 else ""
            add(f"prefetch(kept, z - N * B * slots + {shift}k * WIDTH)")
        add("prefetch(dys, before + u)")
        add("prefetch(hs, old - B * width + u)")

    def _return(self, name: str, operand: Operand) -> None:
        """What the sums send back to an operand: to h from the step after, together with what its answers send."""
        add = self.add
        depth = f"{operand.slots} * width"
        at, exists = ("later", " * (t + 1 < T)") if name == "h" else ("now", "")
        terms, before = [], 0
        for first, matrices in operand.runs:
            d = f"d, {at} + {first} * width + b * depth, depth, 1, {len(matrices)} * width{exists}"
            terms.append(f"({d}, back_{name}, n * WIDTH * {depth} + {before} * width * pair, pair)")
            before += len(matrices)
        start = "(dys, slot + b * width + n * WIDTH, width)" if name == "h" else "(zero, 0, 0)"
        add(f"terms = ({', '.join(terms)},)")
        for condition, columns in (("if units == 2:", 2), ("else:", 1)):
            with add.block(condition):
                add(f"rows = product({columns}, B - b, (returned_{name}, 0, pair), {start}, terms)")

    def _weights(self, operands: list[tuple[str, Operand]]) -> None:
        add, q = self.add, self.schedule
        assert q.input is not None
        add("first, taken = begin * B, (end - begin) * B")
        add(f"add_products(dweights, 0, 1, {len(q.sums)} * N, depth, one, 0, 0, d, 0, taken)")
        with add.block("if dense:"):
            for first, matrices in q.input.runs:
                place = f"dweights, depth + {first} * width, I, {len(matrices)} * N, depth"
                add(f"add_products({place}, xs, first * I, I, d, {first} * width, taken)")
        with add.block("else:"):
            add("add_by_token(dweights, depth, I, tokens, first, d, taken, depth, by_token)")
        for n, (name, operand) in enumerate(operands):
            source = "hs, first * width" if name == "h" else f"history{name}, 0"
            for first, matrices in operand.runs:
                place = f"dweights, (1 + I + {n} * H) * depth + {first} * width, H, {len(matrices)} * N, depth"
                add(f"add_products({place}, {source}, width, d, {first} * width, taken)")
        with add.block("if with_dxs:"):
            add("send_back(dxs, first, taken, I, d, depth, depth, back_x, zero)")

    def _unpack(self, operands: list[tuple[str, Operand]]) -> None:
        """Each parameter's gradient, from all places where it was used."""
        add, q = self.add, self.schedule
        parts: dict[str, list[tuple[str, str, str]]] = {name: [] for name in q.names}  # address, rows, row
        names = {operand.node: n for n, (_, operand) in enumerate(operands)}
        for each in q.sums:
            if each.bias is not None:
                parts[each.bias].append((f"at_dweights + 4 * {each.slot} * width", "1", "depth"))
            for operand, matrix in each.terms:
                first = "1" if operand is q.graph.x else f"(1 + I + {names[operand]} * H)"
                rows = "I" if operand is q.graph.x else "H"
                parts[matrix].append((f"at_dweights + 4 * ({first} * depth + {each.slot} * width)", rows, "depth"))
        for n, node in enumerate(q.given):
            parts[node.name].append((f"at_drows + {4 * n} * width", "1", "width"))
        for name, (whole, *others) in parts.items():
            address, rows, row = whole
            for other, _, other_row in others:
                add(f"add_rows(floats({address}), {row}, floats({other}), {other_row}, {rows}, width)")
            place = f"floats(dparameters[{self.parameter[name]}])"
            add(f"unpack({place}, {rows}, H, floats({address}), {row}, 0, 1, 0)")

    # Bodies.

    def _print(self, body: Body, back: bool = False, sums: str = "dsteps") -> None:
        """The statements of a body, `back` on the way back; gradients of rows are added to `sums`."""
        for line in body.statements:
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


def _expression(line: Let) -> str:
    args = [each if isinstance(each, str) else repr(each) for each in line.args]
    if line.op in BINARY:
        return f"{args[0]} {BINARY[line.op]} {args[1]}"
    if line.op in BOUNDS:
        return BOUNDS[line.op].format(*args)
    return f"{CALLS.get(line.op, line.op)}({', '.join(args)})"
