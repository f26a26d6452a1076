"""What the scans of a schedule do with matrices of the state, printed: calls of `matrix` at the start of each stage,
and on the way back at its end.

Kept of a step are its vectors and results, rows (B, width) one after the other; of every sqrt(T)-th step the matrices
before it. The way back computes those of the steps up to the next one again, `past`, when it gets there.
"""

from __future__ import annotations

from rnnbench.kernels.schedule import Schedule
from rnnbench.kernels.symbol import Node
from rnnbench.kernels.text import Memory, Text

NONE = "-1"  # the place of a decay where a change has got none


class Heads:
    """Prints into a scan what a schedule does with matrices of the state; nothing where it has none."""

    def __init__(self, schedule: Schedule, add: Text, memory: Memory) -> None:
        self.schedule, self.add, self.memory = schedule, add, memory
        self.rows = len(schedule.vectors) + len(schedule.results)  # kept of each step
        self.matrices = [node.args[0] for node in schedule.changes]

    def kept(self) -> list[str]:
        """The floats of each part of what is kept, `taken` the steps of it."""
        if not self.rows:
            return []
        parts = [f"taken * {self.rows} * B * width + WIDTH"]  # the last row is read in whole vectors
        return parts + ([f"keep * ((T + every - 1) // every) * {len(self.matrices)} * size"] if self.matrices else [])

    def held(self, buffer: str, n: int) -> str:
        """Where a vector or a result of the step lies in what is kept."""
        return f"held + {n + (len(self.schedule.vectors) if buffer == 'result' else 0)} * B * width"

    def sizes(self) -> None:
        """How large the matrices of a step are, and how many steps lie between two that keep theirs."""
        if self.matrices:
            self.add("size, every = B * heads * ((D + WIDTH - 1) // WIDTH) * D * WIDTH, 1")
            with self.add.block("while every * every < T:"):
                self.add("every += 1")

    def reserve_forward(self) -> None:
        """Scratch memory of the forward scan."""
        for k in range(len(self.matrices)):
            self.memory(f"matrix{k}", "B * heads * ((D + WIDTH - 1) // WIDTH) * D * WIDTH")

    def begin(self) -> None:
        """Before the first step."""
        if self.rows:
            self.add("taken = T if keep else 1")
            self._places()
        for k in range(len(self.matrices)):
            self.add(f"clear(matrix{k}, size)")

    def _places(self) -> None:
        self.add("held0 = taken * B * N * slots")
        if self.matrices:
            self.add(f"points = held0 + taken * {self.rows} * B * width + WIDTH")

    def step(self) -> None:
        """At the start of a step."""
        add = self.add
        if self.rows:
            add(f"held = held0 + t * keep * {self.rows} * B * width")
        if self.matrices:
            with add.block("if keep and t % every == 0:"):
                for k in range(len(self.matrices)):
                    add(f"copy(kept, points + (t // every * {len(self.matrices)} + {k}) * size, matrix{k}, 0, size)")

    def stage(self, stage: int) -> None:
        """What comes before a stage's sums."""
        add, q = self.add, self.schedule
        for n, node in enumerate(q.results):
            if q.stages[node] == stage and node.op == "head_sum":
                add(f"head_sums(kept, {self._taken(node)}, kept, {self.held('result', n)}, B, heads, D, width)")
            elif q.stages[node] == stage and node.args[1].op == "state":
                matrix = f"matrix{self.matrices.index(node.args[1])}"
                add(f"recall({matrix}, kept, {self._taken(node)}, {self.held('result', n)}, B, heads, D, width)")
        for k, node in enumerate(q.changes):
            if q.stages[node] == stage:
                reader, pairs = self._reader(node), self._pairs(node)
                read = ""
                if reader is not None:
                    read = f"{self._taken(reader)}, {self.held('result', q.results.index(reader))}"
                if read and not pairs:
                    add(f"remember_and_recall(matrix{k}, kept, {self._change(node)}, {read}, B, heads, D, width)")
                    continue
                add(f"remember(matrix{k}, 0, 0, kept, {self._change(node)}, B, heads, D, width)")
                for pair in pairs:
                    add(f"remember(matrix{k}, 0, 0, kept, {NONE}, {pair}, B, heads, D, width)")
                if read:
                    add(f"recall(matrix{k}, kept, {read}, B, heads, D, width)")

    def _reader(self, node: Node) -> Node | None:
        """What is read off a matrix after its change."""
        return next(iter(self.schedule.read.get(node, ())), None)

    def _taken(self, node: Node) -> str:
        """Where what an operation takes lies in what is kept."""
        return ", ".join(self._places_of(node))

    def _places_of(self, node: Node) -> list[str]:
        return [self.held("vector", use.vector) for use in self.schedule.uses_of[node]]

    def _change(self, node: Node) -> str:
        """Where the decay and the first pair of a change lie."""
        return ", ".join(self._parts(node, self._places_of(node))[:3])

    def _pairs(self, node: Node) -> list[str]:
        """Where each further pair of a change lies."""
        rest = self._parts(node, self._places_of(node))[3:]
        return [f"{u}, {v}" for u, v in zip(rest[::2], rest[1::2], strict=True)]

    def _parts(self, node: Node, places: list[str]) -> list[str]:
        """The places of a change's parts, its decay first."""
        return places if self.schedule.decays(node) else [NONE, *places]

    def reserve_backward(self) -> None:
        """Scratch memory of the way back."""
        q = self.schedule
        if self.rows:
            self.memory("dsent", f"{len(q.sent)} * B * width + WIDTH")
            self.memory("dresult", f"{len(q.results)} * B * width + WIDTH")
        if self.matrices:
            self.memory("work", "3 * width")
        for k in range(len(self.matrices)):
            self.memory(f"past{k}", "every * size")
            self.memory(f"dmatrix{k}", "size")

    def begin_back(self) -> None:
        """Before the last step."""
        add = self.add
        if self.rows:
            add("taken = T")
            self._places()
            add(f"clear(dsent, {len(self.schedule.sent)} * B * width)")
        for k in range(len(self.matrices)):
            add(f"clear(dmatrix{k}, size)")

    def step_back(self) -> None:
        """At the start of a step: its place in what is kept, and the matrices before it."""
        add, q = self.add, self.schedule
        if self.rows:
            add(f"held = held0 + t * {self.rows} * B * width")
        if not self.matrices:
            return
        with add.block("if t == T - 1 or (t + 1) % every == 0:"):
            for k, node in enumerate(q.changes):
                point = f"points + (t // every * {len(self.matrices)} + {k}) * size"
                add(f"copy(past{k}, 0, kept, {point}, size)")
                with add.block("for n in range(t % every):"):
                    add(f"held = held0 + (t // every * every + n) * {self.rows} * B * width")
                    add(f"remember(past{k}, n * size, (n + 1) * size, kept, {self._change(node)}, B, heads, D, width)")
                    for pair in self._pairs(node):
                        at = "(n + 1) * size"
                        add(f"remember(past{k}, {at}, {at}, kept, {NONE}, {pair}, B, heads, D, width)")
            add(f"held = held0 + t * {self.rows} * B * width")
        add("was = t % every * size")

    def stage_back(self, stage: int) -> None:
        """What follows on a stage's equations: the gradients of what it took, and of the matrices before."""
        add, q = self.add, self.schedule
        for k, node in enumerate(q.changes):
            if q.stages[node] == stage:
                reader, sent = self._reader(node), ", ".join(self._parts(node, self._slopes_of(node))[:3])
                matrix = f"past{k}, was, dmatrix{k}, kept, {self._change(node)}"
                if self._pairs(node):
                    self._pairs_back(k, node, reader)
                    reader = None
                if reader is None:
                    add(f"remember_back({matrix}, dsent, {sent}, work, B, heads, D, width)")
                else:
                    given = f"{self._taken(reader)}, dresult, {q.results.index(reader)} * B * width"
                    sent = f"{sent}, {self._sent(reader)}"
                    add(f"remember_and_recall_back({matrix}, {given}, dsent, {sent}, work, B, heads, D, width)")
        for n, node in enumerate(q.results):
            if q.stages[node] == stage and node.op == "head_sum":
                add(f"head_sums(dresult, {n} * B * width, dsent, {self._sent(node)}, B, heads, D, width)")
            elif q.stages[node] == stage and node.args[1].op == "state":
                k = self.matrices.index(node.args[1])
                given = f"{self._taken(node)}, dresult, {n} * B * width, dsent, {self._sent(node)}"
                add(f"recall_back(past{k}, was, dmatrix{k}, kept, {given}, B, heads, D, width)")

    def _pairs_back(self, k: int, node: Node, reader: Node | None) -> None:
        """The way back of what is read after a change of several pairs, and of those behind the first."""
        add, q, sizes = self.add, self.schedule, "B, heads, D, width"
        decay, *first = self._parts(node, self._places_of(node))[:3]
        if reader is not None:
            given, asks = f"dresult, {q.results.index(reader)} * B * width", self._sent(reader)
            add(f"recall_back(past{k}, was, dmatrix{k}, kept, {self._taken(reader)}, {given}, dsent, {asks}, {sizes})")
            if decay != NONE:
                add(f"asked_of_decayed(dsent, {asks}, kept, {decay}, {sizes})")
            for pair in (", ".join(first), *self._pairs(node)):
                add(f"asked_of_pair(dsent, {asks}, kept, {pair}, {given}, {sizes})")
        rest = self._parts(node, self._slopes_of(node))[3:]
        for pair, du, dv in zip(self._pairs(node), rest[::2], rest[1::2], strict=True):
            change = f"past{k}, was, dmatrix{k}, kept, {NONE}, {pair}"
            add(f"remember_back({change}, dsent, {NONE}, {du}, {dv}, work, {sizes})")

    def _sent(self, node: Node) -> str:
        """Where the gradients of what an operation takes go."""
        return ", ".join(self._slopes_of(node))

    def _slopes_of(self, node: Node) -> list[str]:
        return [f"{self.schedule.sent.index(use)} * B * width" for use in self.schedule.uses_of[node]]
