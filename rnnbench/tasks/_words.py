"""What tasks that read words have in common: a vocabulary, a list of answers, and one answer after the last word."""

from __future__ import annotations

from abc import abstractmethod

from rnnbench import tasks


class Words(tasks.Task):
    """A story and a question, word by word; after the last one of `answers` is asked for."""

    @property
    @abstractmethod
    def words(self) -> tuple[str, ...]:
        """The vocabulary, by token."""

    @property
    @abstractmethod
    def answers(self) -> tuple[str, ...]:
        """What can be answered, by class."""

    @property
    def inputs(self) -> int:
        return len(self.words)

    @property
    def outputs(self) -> int:
        return len(self.answers)

    @property
    def last(self) -> bool:
        return True
