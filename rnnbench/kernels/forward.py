"""The forward scan of a schedule, printed: at each step and stage its sums, then its pointwise equations."""

from __future__ import annotations

from itertools import accumulate

from rnnbench.kernels import pointwise
from rnnbench.kernels.program import Program
from rnnbench.kernels.schedule import Group
from rnnbench.kernels.symbol import Node


class Forward(Program):
    """Prints `forward`."""

    def print(self) -> None:
        """Prints the function."""
        add, q, U = self.add, self.schedule, self.schedule.units
        memory = self.memory
        for g, group in enumerate(self.groups):
            memory(f"panels{g}", f"({self._rows_of(group)}) * {len(group.sums) * U} * ((N + {U - 1}) // {U}) * WIDTH")
        for n in range(len(q.computed)):
            memory(f"operand{n}", "B * width")
        for k in q.others:
            memory(f"state{k}", "B * width")
        memory("fixed", f"{self.rows} * width")
        self.reserve_wide("wide")
        self.heads.reserve_forward()
        add()
        add()
        with add.block("def forward(parameters, xs, tokens, hs, kept, scratch, T, B, I, H, keep):"):
            self.widths()
            self.heads.sizes()
            add("dense = I if tokens == 0 else 0  # how many numbers of an input are multiplied")
            add("xs, tokens, hs, kept = floats(xs), integers(tokens), floats(hs), floats(kept)")
            memory.places(add)
            self.spread()
            for g, group in enumerate(self.groups):
                self._pack(g, group)
            self.prepare_rows()
            for k in q.others:
                add(f"clear(state{k}, B * width)")
            add("clear(hs, B * width)")
            self.heads.begin()
            with add.block("for t in range(T):"):
                add("old, new = t * B * width, (t + 1) * B * width")
                self.heads.step()
                self._before()
                for stage in range(q.count):
                    self._stage(stage)

    def print_kept(self) -> None:
        """A function that gives the floats of each part of what is kept for the way back."""
        add = self.add
        add()
        add()
        with add.block("def kept_parts(T, B, H, keep):"):
            self.widths()
            self.heads.sizes()
            add("taken = T if keep else 1")
            add(f"return [{', '.join(['taken * B * N * slots', *self.heads.kept()])}]")

    def _rows_of(self, group: Group) -> str:
        return " + ".join(["1", *("I" if each is self.schedule.graph.x else "H" for each in group.operands)])

    def _pack(self, g: int, group: Group) -> None:
        add, U, C = self.add, self.schedule.units, len(group.sums)
        depth = self._rows_of(group)
        add(f"clear(panels{g}, ({depth}) * {C * U} * ((N + {U - 1}) // {U}) * WIDTH)")
        for m, each in enumerate(group.sums):
            common = f"panels{g}, {C * U}, {depth}"
            if each.bias is not None:
                add(f"pack({common}, 0, {C}, {m}, {self.source(each.bias)}, 1, H)")
            for (operand, matrix), first in zip(each.terms, self._firsts(group), strict=True):
                rows = "I" if operand is self.schedule.graph.x else "H"
                source = self.source(matrix)
                add(f"pack({common}, {first}, {C}, {m}, {source}, {rows}, H)")

    def _firsts(self, group: Group) -> list[str]:
        """The row of a panel at which each operand's part starts."""
        sizes = ["1", *("I" if each is self.schedule.graph.x else "H" for each in group.operands)]
        return list(accumulate(sizes, "{} + {}".format))[:-1]

    def _before(self) -> None:
        """The operands that are made of states alone."""
        add, body = self.add, pointwise.forward(self.schedule, -1)
        if body.statements:
            with add.block("for b in range(B):"), add.block("for n in range(N):"):
                add("v = n * WIDTH")
                add("u = b * width + v")
                self.print_body(body)

    def _stage(self, stage: int) -> None:
        add, q, U = self.add, self.schedule, self.schedule.units
        self.heads.stage(stage)
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
                    self.print_body(pointwise.forward(q, stage))

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
