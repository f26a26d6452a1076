"""Stories for `qa`: words, what is told, what is asked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnbench.rng import Stream
from rnnbench.tasks import Batch, Lag, Needed

AGENTS = ("dog", "cat", "boy", "girl", "bird", "fox", "king", "queen", "frog", "bear", "wolf", "mouse")
VERBS = (("ate", "eat"), ("saw", "see"), ("took", "take"), ("hid", "hide"), ("found", "find"), ("sold", "sell"))
OBJECTS = (
    "spaghetti", "apple", "book", "hat", "football", "milk", "letter", "lamp", "coat", "key", "bread", "drum",
)  # fmt: skip
PLACES = (
    "kitchen", "garden", "hallway", "bathroom", "bedroom", "office", "cellar", "attic", "barn", "shed", "wood", "mill",
)  # fmt: skip
TAKES = ("took", "grabbed", "got", "lifted", "found", "stole")
MOVES = ("went", "ran", "walked", "moved", "flew", "hurried")
FILLER = ("well", "then", "anyway", "meanwhile", "so", "now", "later", "indeed")


@dataclass(frozen=True)
class Story(ABC):
    """How many words of each kind there are, and by how many words the place of what is told varies."""

    agents: int
    verbs: int
    objects: int
    lead: int

    @property
    @abstractmethod
    def words(self) -> tuple[str, ...]:
        """The vocabulary, by token."""

    @property
    @abstractmethod
    def answers(self) -> tuple[str, ...]:
        """What can be answered, by class."""

    @property
    @abstractmethod
    def chance(self) -> float:
        """What the best shortcut gets right."""

    @abstractmethod
    def batch(self, size: int, length: int, rng: Stream) -> Batch:
        """Stories with `length` filler words or more between the last statement and the question."""

    @abstractmethod
    def lag(self, length: int) -> Lag:
        """From the word that is needed to the question's last."""

    @abstractmethod
    def needed(self, batch: Batch) -> Needed:
        """The words that the answer hangs on."""

    @abstractmethod
    def shortcuts(self, batch: Batch) -> dict[str, NDArray[Any]]:
        """What models without the memory would answer."""

    @cached_property
    def _token(self) -> dict[str, int]:
        return {word: i for i, word in enumerate(self.words)}

    def _filler(self, T: int, size: int, rng: Stream) -> NDArray[np.int64]:
        return self._token[FILLER[0]] + rng.integers(len(FILLER), (T, size))

    def _choices(self, classes: NDArray[np.int64]) -> NDArray[np.float32]:
        return np.eye(len(self.answers), dtype=np.float32)[classes].reshape(1, -1, len(self.answers))


class OneFact(Story):
    """`the AGENT VERB my OBJECT .` and `who VERB my OBJECT ?` or `what did AGENT VERB ?`"""

    @property
    def words(self) -> tuple[str, ...]:
        verbs = VERBS[: self.verbs]
        past, present = tuple(v[0] for v in verbs), tuple(v[1] for v in verbs)
        grammar = ("the", "my", ".", "who", "what", "did", "?")
        return (*self.answers, *past, *present, *FILLER, *grammar)

    @property
    def answers(self) -> tuple[str, ...]:
        return (*AGENTS[: self.agents], *OBJECTS[: self.objects])

    @property
    def chance(self) -> float:
        """Guessing among the kind that is asked for, each asked for half of the time."""
        return (1 / self.agents + 1 / self.objects) / 2

    def batch(self, size: int, length: int, rng: Stream) -> Batch:
        agent = rng.integers(self.agents, size)
        thing = self.agents + rng.integers(self.objects, size)
        past = self.agents + self.objects + rng.integers(self.verbs, size)
        asks_agent = rng.integers(2, size) == 0
        place = rng.integers(self.lead + 1, size)
        T = self.lead + 6 + length + 6
        xs = self._filler(T, size, rng)
        token = self._token
        statement: tuple[Any, ...] = (token["the"], agent, past, token["my"], thing, token["."])
        column = np.arange(size)
        for k, word in enumerate(statement):
            xs[place + k, column] = word
        who = (xs[-6], token["who"], past, token["my"], thing, token["?"])
        what = (xs[-6], token["what"], token["did"], agent, past + self.verbs, token["?"])
        for k, (w, o) in enumerate(zip(who, what, strict=True)):
            xs[T - 6 + k] = np.where(asks_agent, w, o)
        return Batch(xs, np.where(asks_agent, agent, thing)[None], slice(-1, None))

    def lag(self, length: int) -> Lag:
        """From the word that is the answer (the statement's second or fifth) to the question's last."""
        last = self.lead + 6 + length + 6 - 1
        return Lag(last - self.lead - 4, last - (1 + 4) / 2 - self.lead / 2, last - 1)

    def needed(self, batch: Batch) -> Needed:
        """The statement's word that is the answer."""
        agent = batch.ys < self.agents
        steps = (batch.xs == self._token["the"]).argmax(0) + np.where(agent, 1, 4)  # no other word is `the`
        first, count = np.where(agent, 0, self.agents), np.where(agent, self.agents, self.objects)
        return Needed(steps[None], batch.ys[None], first[None], count[None])

    def shortcuts(self, batch: Batch) -> dict[str, NDArray[Any]]:
        who = (batch.xs == self.words.index("who")).any(0)
        return {
            "the question alone": self._choices(np.where(who, 0, self.agents)),
            "the most frequent answer": self._choices(np.zeros(who.size, np.int64)),
        }


@dataclass(frozen=True)
class Chain(Story):
    """Two agents, each of whom takes a thing and then goes to `facts` - 1 places: `the AGENT took my OBJECT there .`,
    `the AGENT went to the PLACE .` Both take first, so that the place that is told next is as often the other's; who
    comes first is drawn anew for the moves. Both end, with three facts, at the same place Y, so that it does not tell
    who is asked about: `where was my OBJECT before the Y ?`; with two `where is my OBJECT ?`"""

    places: int
    facts: int

    @property
    def words(self) -> tuple[str, ...]:
        grammar = ("the", "my", ".", "there", "to", "where", "is", "was", "before", "?")
        nouns = (*PLACES[: self.places], *AGENTS[: self.agents], *OBJECTS[: self.objects])
        return (*nouns, *TAKES[: self.verbs], *MOVES[: self.verbs], *FILLER, *grammar)

    @property
    def answers(self) -> tuple[str, ...]:
        return PLACES[: self.places]

    @property
    def chance(self) -> float:
        """One of the two places that it can be."""
        return 0.5

    @property
    def _question(self) -> int:
        """Words of a question."""
        return 5 if self.facts == 2 else 8

    def batch(self, size: int, length: int, rng: Stream) -> Batch:
        first = {"agent": self.places, "thing": self.places + self.agents}
        takes = first["thing"] + self.objects
        agents = first["agent"] + rng.shuffled(size, self.agents)[:, :2].T
        things = first["thing"] + rng.shuffled(size, self.objects)[:, :2].T
        places = rng.shuffled(size, self.places)[:, :3].T
        asked = rng.integers(2, size)
        column = np.arange(size)
        taker = rng.integers(2, size)
        movers = rng.shuffled(size, 2 * self.facts - 2).T % 2
        whose = np.stack([taker, 1 - taker, *movers])  # of the two, who does what is told, (statements, B)
        verbs = rng.integers(self.verbs, whose.shape)
        start = rng.integers(self.lead + 1, size)
        T = self.lead + 7 * len(whose) + length + self._question
        xs = self._filler(T, size, rng)

        def fixed(word: str) -> NDArray[np.int64]:
            return np.full(size, self._token[word])

        done = np.zeros((2, size), np.int64)
        for s, who in enumerate(whose):
            so_far = done[who, column]
            taking = so_far == 0
            agent, thing = agents[who, column], things[who, column]
            place = places[np.where(so_far == 2, 2, who), column]
            take = (fixed("the"), agent, takes + verbs[s], fixed("my"), thing, fixed("there"), fixed("."))
            move = (fixed("the"), agent, takes + self.verbs + verbs[s], fixed("to"), fixed("the"), place, fixed("."))
            for k, (t, m) in enumerate(zip(take, move, strict=True)):
                xs[start + 7 * s + k, column] = np.where(taking, t, m)
            done[who, column] += 1
        thing = things[asked, column]
        question = (fixed("where"), fixed("is"), fixed("my"), thing, fixed("?"))
        if self.facts == 3:
            question = (*question[:4], fixed("before"), fixed("the"), places[2], fixed("?"))  # type: ignore[assignment]
        for k, word in enumerate(question):
            xs[T - len(question) + k] = fixed("was") if self.facts == 3 and k == 1 else word
        return Batch(xs, places[asked, column][None], slice(-1, None))

    def lag(self, length: int) -> Lag:
        """From the name of who took the thing that is asked for to the question's last word."""
        last = self.lead + 14 * self.facts + length + self._question - 1
        return Lag(last - self.lead - 7 - 1, last - self.lead / 2 - 7 / 2 - 1, last - 1)

    def needed(self, batch: Batch) -> Needed:
        """Who took the thing that is asked for, and the place that is the answer."""
        told = batch.xs[: len(batch.xs) - self._question]
        thing = batch.xs[len(told) + 3]
        steps = np.stack([(told == thing).argmax(0) - 3, (told == batch.ys).argmax(0)])[:, None]
        values = batch.xs[steps, np.arange(steps.shape[2])] - np.array([self.places, 0]).reshape(2, 1, 1)
        return Needed(steps, values, 0, np.array([0, self.places]).reshape(2, 1, 1))

    def shortcuts(self, batch: Batch) -> dict[str, NDArray[Any]]:
        xs = batch.xs
        T, column = len(xs), np.arange(xs.shape[1])
        told, asked = xs[: T - self._question], xs[T - self._question :]
        possible = (told < self.places) & (told != asked[-2])
        is_agent = (told >= self.places) & (told < self.places + self.agents)
        latest = told[len(told) - 1 - is_agent[::-1].argmax(0), column]
        whose = np.roll(told, 4, axis=0)  # at a place, who went there
        thing = asked[3 if self.facts == 3 else -2]
        is_thing = (told >= self.places + self.agents) & (told < self.places + self.agents + self.objects)
        first_thing = told[is_thing.argmax(0), column] == thing
        first, last = (told[t, column] for t in (possible.argmax(0), len(told) - 1 - possible[::-1].argmax(0)))

        def at(where: NDArray[np.bool_]) -> NDArray[np.float32]:
            return self._choices(told[where.argmax(0), column])

        return {
            "the question alone": self._choices((asked[-2] + 1) % self.places),
            "the most frequent answer": self._choices(np.zeros_like(column)),
            "the first place": self._choices(first),
            "the last place": self._choices(last),
            "the first place for the first thing": self._choices(np.where(first_thing, first, last)),
            "the latest agent's place": at(possible & (whose == latest)),
            "never the latest agent's place": at(possible & (whose != latest)),
        }
