"""The records of the contract, for native runs.

In a component the generated module `wit_world.imports.types` takes their place. Names and fields are
the same, which a test holds against what the generator makes of `plugin.wit`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass
class Dictionary:
    bytes: bytes
    ends: list[int]


@dataclass
class Labels:
    names: list[int]
    rows: int
    cells: list[int]


@dataclass
class Vector:
    labels: Labels
    times: list[int]
    values: list[float]


@dataclass
class Matrix:
    labels: Labels
    ends: list[int]
    times: list[int]
    values: list[float]


@dataclass
class Scalar:
    time: int
    value: float


@dataclass
class Message:
    time: int
    text: int


@dataclass
class Data_Vector:  # noqa: N801 - the generator's names
    value: Vector


@dataclass
class Data_Matrix:  # noqa: N801
    value: Matrix


@dataclass
class Data_Scalar:  # noqa: N801
    value: Scalar


@dataclass
class Data_Text:  # noqa: N801
    value: Message


Data = Data_Vector | Data_Matrix | Data_Scalar | Data_Text


@dataclass
class Answer:
    query: str
    data: Data
    unit: str | None
    warnings: list[str]


@dataclass
class Objects:
    names: list[int]
    namespaces: list[int]
    labels: Labels
    addresses: list[int]


@dataclass
class Scope_Namespace:  # noqa: N801
    value: str


@dataclass
class Scope_Cluster:  # noqa: N801
    pass


Scope = Scope_Namespace | Scope_Cluster


@dataclass
class Input:
    dictionary: Dictionary
    scope: Scope
    answers: list[Answer]
    objects: Objects | None
    now: int


@dataclass
class Measures:
    dictionary: Dictionary
    objects: list[int]
    namespaces: list[int]
    values: list[float]
    times: list[int]
    windows: list[int]
    labels: Labels


@dataclass
class Failure:
    message: str
    query: str | None


class Api(Enum):
    CUSTOM = 0
    EXTERNAL = 1


@dataclass
class OwnQuery:
    name: str
    range: bool
    written: str


@dataclass
class Context:
    api: Api
    served_for: str | None
    queries: list[OwnQuery]


@dataclass
class Fault:
    path: str
    message: str


@dataclass
class Range:
    duration: int
    step: int


@dataclass
class Promql:
    text: str
    range: Range | None


@dataclass
class Asked_Promql:  # noqa: N801
    value: Promql


@dataclass
class Asked_Written:  # noqa: N801
    value: str


Asked = Asked_Promql | Asked_Written


@dataclass
class Query:
    name: str
    asked: Asked


@dataclass
class ObjectColumns:
    labels: list[str] | None
    addresses: bool


@dataclass
class Plan:
    queries: list[Query]
    objects: ObjectColumns | None


@dataclass
class Description:
    name: str
    version: str
    about: str
    config_schema: str
