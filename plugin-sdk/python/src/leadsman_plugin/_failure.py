"""Why there is no result, and what is wrong in a configuration."""

from __future__ import annotations

from collections.abc import Iterable


class Failure(Exception):
    """Why an evaluation gave no result: `raise Failure("…", query="busy")`.

    The text reaches the person who reads `kubectl describe hpa`, so it should say what was found and
    what to do. `query` is the query whose answer could not be used, if it was one.
    """

    def __init__(self, message: str, query: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.query = query

    def __str__(self) -> str:
        place = "" if self.query is None else f'query "{self.query}": '
        return place + self.message


class Fault(Exception):
    """Something wrong in a configuration or the mapping around it, and where.

    `path` is a JSON pointer into the configuration (`/object/label`); empty for the whole of it, or
    for the mapping. `message` says what is wrong and what would be right. Faults may be raised, or
    collected for `Plan.unless`.
    """

    def __init__(self, path: str, message: str) -> None:
        super().__init__(path, message)
        self.path = path
        self.message = message

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Fault):
            return NotImplemented
        return (self.path, self.message) == (other.path, other.message)

    def __hash__(self) -> int:
        return hash((self.path, self.message))


class Faults(Exception):
    """Several faults at once, so that nobody mends them one by one."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = list(faults)
        super().__init__(self.faults)

    def __str__(self) -> str:
        return "; ".join(str(fault) for fault in self.faults)
