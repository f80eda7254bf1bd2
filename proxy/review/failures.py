"""What is wrong with a library as it stands on disk."""

from __future__ import annotations

from proxy.review.entry import EntryError

__all__ = ["LibraryError"]


class LibraryError(Exception):
    """A library that cannot be loaded or published. `problems` lists bad rows where there are any."""

    def __init__(self, message: str, problems: tuple[EntryError, ...] = ()) -> None:
        self.problems = problems
        super().__init__(message)
