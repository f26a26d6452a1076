"""Question answering (after bAbI; Weston et al., 2015): facts are told, neutral words follow, then one is asked for.

`facts: 1`: who did what to which thing; then either the agent or the object is asked for:

    so anyway the dog ate my spaghetti . well ... so who ate my spaghetti ?        -> dog
    the cat saw my apple . then so ... what did cat see ?                          -> apple

`facts: 2` and `3` chain them, as bAbI's second and third kind do: somebody took a thing and went, carrying it, to one
place or two; where is it now, or where was it before? Another did the same with another thing, so that the answer is
one of two places, and the thing, its carrier and the place must be put together:

    the fox got my hat there . the dog took my key there . the dog ran to the attic . the fox went to the barn .
    then so well ... where is my hat ?                                             -> barn

The question names everything but its answer, so it tells nothing about it: the best shortcut with one fact knows which
kind is asked for and guesses among its kind, with more it is right half of the time. The number of statements is
fixed; the filler sets the lag; the place of what is told varies by `lead` words.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal

from annotated_types import Interval
from numpy.typing import NDArray

from rnnbench import tasks
from rnnbench.rng import Stream
from rnnbench.tasks._stories import AGENTS, OBJECTS, PLACES, VERBS, Chain, OneFact, Story
from rnnbench.tasks._words import Words


@dataclass(frozen=True)
class Task(Words):
    """`agents`, `verbs`, `objects` and (with two facts or three) `places`: how many of each there are; `lead`: by how
    many words the place of what is told varies. Length: the least number of filler words before the question.

    >>> from rnnbench.rng import stream
    >>> task = Task(agents=3, verbs=2, objects=3, lead=1)
    >>> b = task.batch(2, 2, stream(2, "train"))
    >>> print(" ".join(task.words[w] for w in b.xs[:, 0]), "->", task.answers[b.ys[0, 0]])
    the cat ate my book . meanwhile so well anyway what did cat eat ? -> book
    >>> print(" ".join(task.words[w] for w in b.xs[:, 1]), "->", task.answers[b.ys[0, 1]])
    indeed the cat saw my apple . meanwhile later indeed who saw my apple ? -> cat
    >>> task = Task(facts=2, lead=0)
    >>> b = task.batch(1, 1, stream(2, "train"))
    >>> words = [task.words[w] for w in b.xs[:, 0]]
    >>> print(" ".join(words[:14]))
    the girl got my book there . the bird grabbed my apple there .
    >>> print(" ".join(words[14:-5]))
    the girl went to the kitchen . the bird moved to the bathroom . well
    >>> print(" ".join(words[-5:]), "->", task.answers[b.ys[0, 0]])
    where is my book ? -> kitchen
    """

    agents: Annotated[int, Interval(ge=2, le=len(AGENTS))] = 6
    verbs: Annotated[int, Interval(ge=1, le=len(VERBS))] = 4
    objects: Annotated[int, Interval(ge=2, le=len(OBJECTS))] = 6
    lead: Annotated[int, Interval(ge=0, le=100)] = 4
    facts: Literal[1, 2, 3] = 1
    places: Annotated[int, Interval(ge=3, le=len(PLACES))] = 6

    def __post_init__(self) -> None:
        if self.facts == 1 and self.places != 6:
            raise ValueError("places: one fact is about none")

    @cached_property
    def _story(self) -> Story:
        if self.facts == 1:
            return OneFact(self.agents, self.verbs, self.objects, self.lead)
        return Chain(self.agents, self.verbs, self.objects, self.lead, self.places, self.facts)

    @property
    def words(self) -> tuple[str, ...]:
        return self._story.words

    @property
    def answers(self) -> tuple[str, ...]:
        """What can be answered, by class: the agents, then the objects; with more facts the places."""
        return self._story.answers

    @property
    def chance(self) -> float:
        return self._story.chance

    def batch(self, size: int, length: int, rng: Stream) -> tasks.Batch:
        return self._story.batch(size, length, rng)

    def lag(self, length: int) -> tasks.Lag:
        return self._story.lag(length)

    def needed(self, batch: tasks.Batch) -> tasks.Needed:
        return self._story.needed(batch)

    def shortcuts(self, batch: tasks.Batch) -> dict[str, NDArray[Any]]:
        return self._story.shortcuts(batch)
