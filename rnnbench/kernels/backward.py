"""The backward scan of a schedule, printed: at each step and stage, last first, what the sums send back to an operand
as a product, then the pointwise equations of the way back; every so many steps the gradients of the weights.
"""

from __future__ import annotations

from rnnbench.kernels.adjoint import Backward, epilogue
from rnnbench.kernels.pointwise import Body
from rnnbench.kernels.program import Program
from rnnbench.kernels.schedule import Operand


class Back(Program):
    """Prints `backward`."""

    def print(self, backward: Backward) -> None:
        """Prints the function of these bodies."""
        add, q = self.add, self.schedule
        memory = self.memory
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
        self.reserve_wide("wide")
        self.reserve_wide("dwide")
        self.heads.reserve_backward()
        add()
        add()
        arguments = "parameters, dparameters, dys, answered, xs, tokens, hs, kept, scratch, dxs, T, B, I, H, steps"
        with add.block(f"def backward({arguments}):"):
            self.widths()
            self.heads.sizes()
            add("with_dxs, dense = dxs != 0, tokens == 0")
            add("answered, tokens = integers(answered), integers(tokens)")
            add("dys, xs, hs, kept, dxs = floats(dys), floats(xs), floats(hs), floats(kept), floats(dxs)")
            memory.places(add)
            self.spread()
            self.heads.begin_back()
            self._clear(operands, backward.straight)
            self.prepare_rows()
            add("end = T")
            with add.block("while end > 0:"):
                add("begin = (end - 1) // steps * steps")
                with add.block("for t in range(end - 1, begin - 1, -1):"):
                    add("later, now, old = (t + 1 - begin) % steps * B * depth, (t - begin) * B * depth, t * B * width")
                    add("slot, before = answered[t] * B * width, answered[max(t - 1, 0)] * B * width  # rows of dys")
                    self.heads.step_back()
                    for stage in range(q.count - 1, -2, -1):
                        self._stage_back(stage, backward.bodies[stage])
                        self.heads.stage_back(stage)
                        self._gather(stage)
                    if self.rows:
                        with add.block(f"for m in range(0, {self.rows} * width, WIDTH):  # less is lost in rounding"):
                            add("store(drows, m, load(drows, m) + load(dsteps, m))")
                            add("store(dsteps, m, splat(0.0))")
                self._weights(operands)
                add("end = begin")
            if q.hoisted:
                with add.block("for n in range(N):"):
                    add("v = n * WIDTH")
                    self.print_body(epilogue(q), back=True, sums="drows")
            self._unpack(operands)

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
                source = self.source(matrix)
                add(f"pack_transposed(back_{name}, {operand.slots} * width, {n} * N, 1, 0, {source}, H, H)")
        assert q.input is not None
        with add.block("if with_dxs:"):
            add("clear(back_x, (I + pair - 1) // pair * pair * depth)")
            for first, matrices_ in q.input.runs:
                for n, matrix in enumerate(matrices_, first):
                    source = self.source(matrix)
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
                        self.print_body(body, back=True)
                add("b += rows")

    def _gather(self, stage: int) -> None:
        """Of the sums that are a number a head: its gradient, out of those of its units."""
        for each in self.schedule.sums:
            if each.stage == stage and each.root.per_head:
                self.add(f"gather(d, now + {each.slot} * width, depth, B, heads, D)")

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
            number = self.parameter[name]
            place = f"floats(dparameters[{number}])"
            to = f"dwide{number}" if name in self.narrow else place
            add(f"unpack({to}, {rows}, H, floats({address}), {row}, 0, 1, 0)")
            if name in self.narrow:
                add(f"fold_columns({place}, {rows}, heads, D, dwide{number})")
