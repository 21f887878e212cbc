"""A configuration is a dataclass: its hints are the JSON schema, and what a mapping has is read by
them."""

from __future__ import annotations

import dataclasses
import inspect
import math
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Annotated, Any, Literal, Union

from ._duration import escaped, parse_duration
from ._failure import Fault, Faults


@dataclass(frozen=True)
class Limits:
    """Bounds of a number of a configuration: `Annotated[float, Limits(above=0, maximum=100)]`."""

    minimum: float | None = None
    """The least that it may be."""
    maximum: float | None = None
    """The most that it may be."""
    above: float | None = None
    """What it must be more than."""
    below: float | None = None
    """What it must be less than."""


@dataclass(frozen=True)
class Key:
    """Another key than the field's name in camelCase: `Annotated[bool, Key("dry-run")]`."""

    name: str


class Shape:
    """One type of a configuration: its schema, and how a JSON value becomes it."""

    def __init__(
        self,
        schema: dict[str, Any],
        says: str,
        takes: Callable[[Any], bool],
        read: Callable[[Any, str, list[Fault]], Any],
    ) -> None:
        self.schema, self.says, self._takes, self._read = schema, says, takes, read

    def takes(self, value: Any) -> bool:
        """Whether a JSON value is of the right type, as far as one can see from outside."""
        return self._takes(value)

    def read(self, value: Any, path: str, faults: list[Fault]) -> Any:
        """The value of a configuration. Adds to the faults what is wrong with it."""
        if not self._takes(value):
            faults.append(Fault(path, f"is {_called(value)}, and must be {self.says}"))
            return None
        return self._read(value, path, faults)


def shape_of(hint: Any, place: str) -> Shape:
    """The shape of a type. Raises TypeError for types that no configuration can have."""
    if typing.get_origin(hint) is Annotated:
        inner, *notes = typing.get_args(hint)
        return _annotated(shape_of(inner, place), notes)
    if hint in _SIMPLE:
        return _SIMPLE[hint]()
    if hint is Any:
        return Shape({}, "anything", lambda _: True, lambda value, _, __: value)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        return _union([shape_of(one, place) for one in arguments])
    if origin is Literal:
        return _choice({value: value for value in arguments}, place)
    if inspect.isclass(hint) and issubclass(hint, Enum):
        shape = _choice({member.value: member for member in hint}, place)
        return _described(shape, hint)
    if origin in (list, tuple, Sequence) and (origin is not tuple or arguments[1:] == (...,)):
        return _sequence(shape_of(arguments[0], place + "[]"), tuple if origin is tuple else list)
    if origin in (dict, Mapping) and arguments[0] is str:
        return _mapping(shape_of(arguments[1], place + "{}"))
    if inspect.isclass(hint) and dataclasses.is_dataclass(hint):
        return record(hint, place)
    raise TypeError(
        f"{place}: {hint!r} is no type of a configuration; use bool, int, float, str, timedelta, "
        "Literal, an Enum, list[…], dict[str, …], a dataclass, or one of them or None"
    )


_NUMBER = "a number"


def _is_integer(value: Any) -> bool:
    whole = isinstance(value, float) and value.is_integer()
    return (isinstance(value, int) or whole) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _read_duration(value: Any, path: str, faults: list[Fault]) -> Any:
    try:
        return parse_duration(value)
    except ValueError as error:
        faults.append(Fault(path, str(error)))
        return None


def _read_float(value: Any, path: str, faults: list[Fault]) -> Any:
    try:
        return float(value)
    except OverflowError:
        faults.append(Fault(path, "is too large a number"))
        return None


def _simple(
    kind: str, says: str, takes: Callable[[Any], bool], read: Callable[[Any, str, list[Fault]], Any]
) -> Callable[[], Shape]:
    return lambda: Shape({"type": kind}, says, takes, read)


_SIMPLE: dict[Any, Callable[[], Shape]] = {
    bool: _simple("boolean", "true or false", lambda v: isinstance(v, bool), lambda v, _, __: v),
    int: _simple("integer", "a whole number", _is_integer, lambda v, _, __: int(v)),
    float: _simple("number", _NUMBER, _is_number, _read_float),
    str: _simple("string", "a string", lambda v: isinstance(v, str), lambda v, _, __: v),
    timedelta: _simple(
        "string", "a duration such as 30s", lambda v: isinstance(v, str), _read_duration
    ),
    type(None): _simple("null", "null", lambda v: v is None, lambda v, _, __: None),
}


def _annotated(shape: Shape, notes: list[Any]) -> Shape:
    schema = dict(shape.schema)
    bounds = [note for note in notes if isinstance(note, Limits)]
    for note in notes:
        if isinstance(note, str):
            schema["description"] = note
    for bound in bounds:
        keywords = {
            "minimum": bound.minimum,
            "maximum": bound.maximum,
            "exclusiveMinimum": bound.above,
            "exclusiveMaximum": bound.below,
        }
        schema.update({key: value for key, value in keywords.items() if value is not None})

    def read(value: Any, path: str, faults: list[Fault]) -> Any:
        found = shape.read(value, path, faults)
        if _is_number(found):
            faults.extend(Fault(path, says) for bound in bounds for says in _outside(found, bound))
        return found

    return Shape(schema, shape.says, shape.takes, read)


def _outside(value: float, bound: Limits) -> list[str]:
    told = []
    if bound.minimum is not None and not value >= bound.minimum:
        told.append(f"must be at least {bound.minimum:g}")
    if bound.maximum is not None and not value <= bound.maximum:
        told.append(f"must be at most {bound.maximum:g}")
    if bound.above is not None and not value > bound.above:
        told.append(f"must be above {bound.above:g}")
    if bound.below is not None and not value < bound.below:
        told.append(f"must be below {bound.below:g}")
    return told


def _union(shapes: list[Shape]) -> Shape:
    says = " or ".join(dict.fromkeys(shape.says for shape in shapes))

    def read(value: Any, path: str, faults: list[Fault]) -> Any:
        # A value that two of them take is that of the first that finds no fault with it.
        first: list[Fault] | None = None
        for shape in shapes:
            if shape.takes(value):
                found_faults: list[Fault] = []
                found = shape.read(value, path, found_faults)
                if not found_faults:
                    return found
                first = first or found_faults
        faults.extend(first or [])
        return None

    kinds = [shape.schema.get("type") for shape in shapes]
    flat = all(shape.schema == {"type": kind} for shape, kind in zip(shapes, kinds, strict=True))
    schema: dict[str, Any]
    if flat:
        schema = {"type": list(dict.fromkeys(kinds))}
    else:
        schema = {"anyOf": [shape.schema for shape in shapes]}
    return Shape(schema, says, lambda value: any(one.takes(value) for one in shapes), read)


def _choice(values: dict[Any, Any], place: str) -> Shape:
    if not all(isinstance(value, str) for value in values):
        raise TypeError(f"{place}: the values of a choice in a configuration are strings")
    says = "one of " + ", ".join(values)

    def read(value: Any, path: str, faults: list[Fault]) -> Any:
        if value not in values:
            faults.append(Fault(path, f'"{escaped(value)}" must be {says}'))
        return values.get(value)

    schema = {"type": "string", "enum": list(values)}
    return Shape(schema, says, lambda value: isinstance(value, str), read)


def _sequence(inner: Shape, make: Callable[[list[Any]], Any]) -> Shape:
    def read(value: Any, path: str, faults: list[Fault]) -> Any:
        return make([inner.read(one, f"{path}/{at}", faults) for at, one in enumerate(value)])

    schema = {"type": "array", "items": inner.schema}
    return Shape(schema, "a list", lambda value: isinstance(value, list), read)


def _mapping(inner: Shape) -> Shape:
    def read(value: Any, path: str, faults: list[Fault]) -> Any:
        return {
            key: inner.read(one, f"{path}/{_pointer(key)}", faults) for key, one in value.items()
        }

    schema = {"type": "object", "additionalProperties": inner.schema}
    return Shape(schema, "an object", lambda value: isinstance(value, dict), read)


@dataclass
class _Field:
    name: str
    shape: Shape
    required: bool


_BUILDING: list[type] = []


def record(kind: type, place: str) -> Shape:
    """The shape of a dataclass."""
    if kind in _BUILDING:
        raise TypeError(f"{place}: {kind.__name__} has itself within, which no schema can say")
    _BUILDING.append(kind)
    try:
        return _record(kind, place)
    finally:
        _BUILDING.pop()


def _record(kind: Any, place: str) -> Shape:
    fields: dict[str, _Field] = {}
    properties: dict[str, Any] = {}
    hints = typing.get_type_hints(kind, include_extras=True)
    for field in dataclasses.fields(kind):
        if not field.init:
            continue
        hint = hints[field.name]
        shape = shape_of(hint, f"{place}.{field.name}")
        key = _key(field.name, hint)
        default = _default(field)
        fields[key] = _Field(field.name, shape, default is dataclasses.MISSING)
        properties[key] = dict(shape.schema)
        if default is not dataclasses.MISSING and default is not None:
            properties[key]["default"] = _as_json(default)
    required = [key for key, one in fields.items() if one.required]

    def read(value: Any, path: str, faults: list[Fault]) -> Any:
        found: dict[str, Any] = {}
        before = len(faults)
        for key, one in value.items():
            if key in fields:
                found[fields[key].name] = fields[key].shape.read(
                    one, f"{path}/{_pointer(key)}", faults
                )
            else:
                known = ", ".join(f"`{name}`" for name in fields) or "none"
                message = f"unknown field `{escaped(key)}`, expected one of {known}"
                faults.append(Fault(f"{path}/{_pointer(key)}", message))
        faults.extend(Fault(path, f"missing field `{key}`") for key in required if key not in value)
        if len(faults) > before:
            return None
        try:
            return kind(**found)
        except ValueError as error:  # of a __post_init__ that checks more
            faults.append(Fault(path, str(error)))
            return None

    schema: dict[str, Any] = {"type": "object", "properties": properties}
    if required:
        schema["required"] = required
    schema["additionalProperties"] = False
    shape = Shape(schema, "an object", lambda value: isinstance(value, dict), read)
    return _described(shape, kind)


def _described(shape: Shape, kind: type) -> Shape:
    text = inspect.cleandoc(kind.__doc__ or "")
    # Where there is none, dataclasses make one of their signature.
    if text and not text.startswith(f"{kind.__name__}("):
        shape.schema = {"description": text, **shape.schema}
    return shape


def _key(name: str, hint: Any) -> str:
    for note in typing.get_args(hint)[1:] if typing.get_origin(hint) is Annotated else ():
        if isinstance(note, Key):
            return note.name
    first, *rest = name.rstrip("_").split("_")
    return first + "".join(word.capitalize() for word in rest)


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def _as_json(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, timedelta):
        return f"{value // timedelta(milliseconds=1)}ms"
    if dataclasses.is_dataclass(value):
        pairs = ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
        hints = typing.get_type_hints(type(value), include_extras=True)
        return {_key(name, hints[name]): _as_json(one) for name, one in pairs if one is not None}
    if isinstance(value, (list, tuple)):
        return [_as_json(one) for one in value]
    if isinstance(value, dict):
        return {key: _as_json(one) for key, one in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        raise TypeError(f"the default {value} cannot be written in a configuration")
    return value


def _pointer(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _called(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "a string", type(None): "null"}
    kinds |= {bool: "true or false", int: _NUMBER, float: _NUMBER}
    return kinds.get(type(value), type(value).__name__)


def parse(shape: Shape, value: Any) -> Any:
    """The configuration that a JSON value is. Raises Faults."""
    faults: list[Fault] = []
    found = shape.read(value, "", faults)
    if faults:
        raise Faults(faults)
    return found
