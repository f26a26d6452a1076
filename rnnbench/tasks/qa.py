"""Question answering over one fact: who did what to which thing, asked after a gap.

One statement says who did what to which thing; neutral words follow; then either the agent or the object is asked for:

    so anyway the dog ate my spaghetti . well ... so who ate my spaghetti ?        -> dog
    the cat saw my apple . then so ... what did cat see ?                          -> apple

The question names everything but its answer, so it tells nothing about it: the best shortcut knows which kind is asked
for and guesses among its kind. The filler sets the lag; the statement's own place varies by `lead` words around it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from annotated_types import Interval
from numpy.typing import NDArray

from rnnbench import tasks
from rnnbench.rng import Stream

AGENTS = ("dog", "cat", "boy", "girl", "bird", "fox", "king", "queen", "frog", "bear", "wolf", "mouse")
VERBS = (("ate", "eat"), ("saw", "see"), ("took", "take"), ("hid", "hide"), ("found", "find"), ("sold", "sell"))
OBJECTS = (
    "spaghetti", "apple", "book", "hat", "football", "milk", "letter", "lamp", "coat", "key", "bread", "drum",
)  # fmt: skip
FILLER = ("well", "then", "anyway", "meanwhile", "so", "now", "later", "indeed")
GRAMMAR = ("the", "my", ".", "who", "what", "did", "?")


@dataclass(frozen=True)
class Task(tasks.Task):
    """`agents`, `verbs` and `objects`: how many of each there are; `lead`: by how many words the statement's place
    varies. Length: the least number of filler words between statement and question.

    >>> from rnnbench.rng import stream
    >>> task = Task(agents=3, verbs=2, objects=3, lead=1)
    >>> b = task.batch(2, 2, stream(2, "train"))
    >>> print(" ".join(task.words[w] for w in b.xs[:, 0]), "->", task.answers[b.ys[0, 0]])
    the cat ate my book . meanwhile so well anyway what did cat eat ? -> book
    >>> print(" ".join(task.words[w] for w in b.xs[:, 1]), "->", task.answers[b.ys[0, 1]])
    indeed the cat saw my apple . meanwhile later indeed who saw my apple ? -> cat
    """

    agents: Annotated[int, Interval(ge=2, le=len(AGENTS))] = 6
    verbs: Annotated[int, Interval(ge=1, le=len(VERBS))] = 4
    objects: Annotated[int, Interval(ge=2, le=len(OBJECTS))] = 6
    lead: Annotated[int, Interval(ge=0, le=100)] = 4

    @property
    def words(self) -> tuple[str, ...]:
        """The vocabulary, by token."""
        verbs = VERBS[: self.verbs]
        past, present = tuple(v[0] for v in verbs), tuple(v[1] for v in verbs)
        return (*AGENTS[: self.agents], *OBJECTS[: self.objects], *past, *present, *FILLER, *GRAMMAR)

    @property
    def answers(self) -> tuple[str, ...]:
        """What can be answered, by class: the agents, then the objects."""
        return (*AGENTS[: self.agents], *OBJECTS[: self.objects])

    @property
    def inputs(self) -> int:
        return len(self.words)

    @property
    def outputs(self) -> int:
        return self.agents + self.objects

    @property
    def last(self) -> bool:
        return True

    @property
    def chance(self) -> float:
        """Guessing among the kind that is asked for, each asked for half of the time."""
        return (1 / self.agents + 1 / self.objects) / 2

    def batch(self, size: int, length: int, rng: Stream) -> tasks.Batch:
        token = {word: i for i, word in enumerate(self.words)}
        agent = rng.integers(self.agents, size)
        thing = self.agents + rng.integers(self.objects, size)
        past = self.agents + self.objects + rng.integers(self.verbs, size)
        asks_agent = rng.integers(2, size) == 0
        place = rng.integers(self.lead + 1, size)
        T = self.lead + 6 + length + 6
        xs = token[FILLER[0]] + rng.integers(len(FILLER), (T, size))

        def fixed(word: str) -> NDArray[Any]:
            return np.full(size, token[word])

        statement = (fixed("the"), agent, past, fixed("my"), thing, fixed("."))
        for k, word in enumerate(statement):
            xs[place + k, np.arange(size)] = word
        who = (xs[-6], fixed("who"), past, fixed("my"), thing, fixed("?"))
        what = (xs[-6], fixed("what"), fixed("did"), agent, past + self.verbs, fixed("?"))
        for k, (w, o) in enumerate(zip(who, what, strict=True)):
            xs[T - 6 + k] = np.where(asks_agent, w, o)
        return tasks.Batch(xs, np.where(asks_agent, agent, thing)[None], slice(-1, None))

    def lag(self, length: int) -> tasks.Lag:
        """From the word that is the answer (the statement's second or fifth) to the question's last."""
        last = self.lead + 6 + length + 6 - 1
        return tasks.Lag(last - self.lead - 4, last - (1 + 4) / 2 - self.lead / 2, last - 1)

    def shortcuts(self, batch: tasks.Batch) -> dict[str, NDArray[Any]]:
        who = (batch.xs == self.words.index("who")).any(0)
        question = np.zeros((1, who.size, self.outputs), np.float32)
        question[0, :, 0] = who
        question[0, :, self.agents] = ~who
        frequent = np.zeros_like(question)
        frequent[..., 0] = 1
        return {"the question alone": question, "the most frequent answer": frequent}
