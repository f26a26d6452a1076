"""The runs that wait, held against a list of them that is walked over."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from rnnbench.records import Run, Rung
from rnnbench.running.ready import Ready

RUNGS = [
    Rung({"cell": "mlstm"}, {"task": "adding"}, length, {"lr": lr}) for length in (10, 20, 40) for lr in (0.1, 0.2)
]
RUNS = [Run(rung, seed) for rung in RUNGS for seed in (0, 1)]


@dataclass
class Waiting:
    run: Run
    priority: float
    moved: int  # when it came, or moved up
    solo: bool


class Plain:
    """What is meant, by walking over all that wait; in the order in which they came."""

    def __init__(self) -> None:
        self.waiting: list[Waiting] = []
        self.clock = 0

    def add(self, run: Run, priority: float, solo: bool) -> None:
        self.clock += 1
        found = next((w for w in self.waiting if w.run == run), None)
        if found is None:
            self.waiting.append(Waiting(run, priority, self.clock, solo))
        elif priority > found.priority:
            found.priority, found.moved = priority, self.clock

    def first(self) -> Waiting:
        return max(self.waiting, key=lambda w: (w.priority, -w.moved))

    def company(self, run: Run) -> list[Waiting]:
        same = [w for w in self.waiting if w.run.rung.shape == run.rung.shape and not w.solo]
        own = next(w for w in self.waiting if w.run == run)
        return same if own in same else [own]

    def take(self, run: Run, most: int) -> list[tuple[Run, float]]:
        own = next(w for w in self.waiting if w.run == run)
        taken = [own, *(w for w in self.company(run) if w is not own)][:most]
        self.waiting = [w for w in self.waiting if w not in taken]
        return [(w.run, w.priority) for w in taken]


@given(st.data())
def test_it_is_what_walking_over_all_would_come_to(data: st.DataObject) -> None:
    ready, plain = Ready(), Plain()
    for _ in range(data.draw(st.integers(1, 40))):
        if not plain.waiting or data.draw(st.booleans()):
            run = data.draw(st.sampled_from(RUNS))
            priority, solo = float(data.draw(st.integers(0, 3))), data.draw(st.booleans())
            ready.add(run, priority, solo)
            plain.add(run, priority, solo)
        else:
            first = plain.first().run
            assert ready.first() == first
            assert ready.beside(first) == len(plain.company(first))
            most = data.draw(st.integers(1, ready.beside(first)))
            assert ready.take(first, most) == plain.take(first, most)
        assert len(ready) == len(plain.waiting)
        assert ready.shapes() == len({w.run.rung.shape for w in plain.waiting})
