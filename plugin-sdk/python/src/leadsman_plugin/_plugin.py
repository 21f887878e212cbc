"""A plugin as the adapter sees it: JSON configuration in, columns in, columns out."""

from __future__ import annotations

import dataclasses
import inspect
import json
import typing
from collections.abc import Callable
from typing import Any

from . import _schema
from ._failure import Failure, Fault, Faults
from ._input import Input
from ._measures import Measures
from ._plan import Context, Plan


class Plugin:
    """The plugin that `plugin` makes of a function. Calling it calls the function."""

    def __init__(
        self, function: Callable[..., Measures], name: str, version: str, about: str
    ) -> None:
        self.function, self.name, self.version, self.about = function, name, version, about
        self._plan: Callable[[Any, Context], Any] | None = None
        self._config = _config_type(function)
        # The schema is made when the module is loaded, so that what cannot be one is told there.
        self._shape = None if self._config is None else _schema.record(self._config, name)
        if self._shape is None:
            self.schema: dict[str, Any] = {"type": "object", "additionalProperties": False}
        else:
            title = self._config.__name__ if self._config is not None else name
            self.schema = {"title": title, **self._shape.schema}
        self.config_schema = json.dumps(
            {"$schema": "https://json-schema.org/draft/2020-12/schema", **self.schema}
        )

    def __call__(self, *arguments: Any) -> Measures:
        return self.function(*arguments)

    def plan(self, function: Callable[[Any, Context], Any]) -> Callable[[Any, Context], Any]:
        """Decorates the function that checks a configuration further, looks at the mapping around it,
        or brings queries: `(config, context) -> Plan | None`. It raises `Fault` or `Faults`."""
        self._plan = function
        return function

    def parse(self, config: str) -> Any:
        """The configuration, from JSON. Raises Faults."""
        value = json.loads(config)
        if self._shape is None:
            if value != {}:
                raise Faults([Fault("", "this plugin has no configuration")])
            return None
        return _schema.parse(self._shape, value)

    def configure(self, config: str, context: Context) -> Plan:
        """Checks a configuration, given as JSON, with the mapping around it. Raises Faults."""
        parsed = self.parse(config)
        if self._plan is None:
            return Plan()
        try:
            plan = self._plan(parsed, context)
        except Fault as fault:
            raise Faults([fault]) from None
        if plan is None:
            return Plan()
        if not isinstance(plan, Plan):
            raise TypeError(f"the plan of {self.name} is a {type(plan).__name__}, not a Plan")
        return plan

    def run(self, config: str, input: Input) -> Measures:
        """Evaluates. Raises Failure."""
        try:
            parsed = self.parse(config)
        except Faults as faults:
            raise Failure(str(faults)) from None
        measures = self.function(input) if self._config is None else self.function(parsed, input)
        if not isinstance(measures, Measures):
            found = type(measures).__name__
            raise TypeError(f"{self.function.__name__} returned a {found}, not Measures")
        return measures


def plugin(
    *, name: str, version: str = "0.1.0", about: str | None = None
) -> Callable[[Callable[..., Measures]], Plugin]:
    """Makes a function the plugin of this project.

    The function is `(config, input) -> Measures`, whose `config` is a dataclass with hints, or
    `(input) -> Measures`. `about` is the first line of its documentation where it is left out.
    """

    def made(function: Callable[..., Measures]) -> Plugin:
        lines = inspect.cleandoc(function.__doc__ or "").splitlines()
        return Plugin(function, name, version, about or (lines[0] if lines else ""))

    return made


def _config_type(function: Callable[..., Measures]) -> type | None:
    parameters = list(inspect.signature(function).parameters.values())
    called = getattr(function, "__name__", "the function")
    if len(parameters) == 1:
        return None
    if len(parameters) != 2:
        raise TypeError(
            f"{called} takes (config, input) or (input), not {len(parameters)} arguments"
        )
    hint = typing.get_type_hints(function).get(parameters[0].name)
    if not (inspect.isclass(hint) and dataclasses.is_dataclass(hint)):
        raise TypeError(f"the first argument of {called} needs a hint that is a dataclass")
    return hint
