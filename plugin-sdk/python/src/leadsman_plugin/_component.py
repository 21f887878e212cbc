"""The exports of the contract, for the entry module that the build writes."""

from __future__ import annotations

import os
from collections.abc import Callable
from types import CodeType, ModuleType, TracebackType
from typing import Any

from componentize_py_types import Err  # type: ignore[import-not-found]

from . import _sandbox, log
from ._contract import records
from ._failure import Failure, Faults
from ._input import Input
from ._plan import Context
from ._plugin import Plugin

_NOT_THE_AUTHORS = (os.path.dirname(__file__), "/python/", "<frozen")
"""Where the frames of the SDK and of Python itself are from, as componentize-py mounts them."""
_MOST_FRAMES = 8


def found(module: ModuleType, name: str | None = None) -> Plugin:
    """The plugin of a module: the one of this name, or the only one that it makes."""
    if name is not None:
        one = getattr(module, name, None)
        if not isinstance(one, Plugin):
            raise SystemExit(f"{module.__name__} has no plugin `{name}`; decorate it with @plugin")
        return one
    plugins = [(key, one) for key, one in vars(module).items() if isinstance(one, Plugin)]
    if len({id(one) for _, one in plugins}) != 1:
        names = ", ".join(key for key, _ in plugins) or "none"
        raise SystemExit(
            f"{module.__name__} has to have one function that is decorated with @plugin; it has "
            f'{names}. With several, say which: plugin = "{module.__name__}:NAME"'
        )
    return plugins[0][1]


def world(current: Callable[[], Plugin]) -> type:
    """The class that the component's generated code calls, for the plugin that `current` gives."""

    class WitWorld:
        def describe(self) -> records.Description:
            _sandbox.seal(0)
            plugin = current()
            return records.Description(
                plugin.name, plugin.version, plugin.about, plugin.config_schema
            )

        def configure(self, config: str, context: records.Context) -> records.Plan:
            _sandbox.seal(0)
            try:
                return current().configure(config, Context._from_raw(context))._into_raw()
            except Faults as faults:
                raw = [records.Fault(str(one.path), str(one.message)) for one in faults.faults]
                raise Err(raw) from None
            except BaseException as error:
                raise Err([records.Fault("", told(error))]) from None
            finally:
                _sandbox.flush()

        def evaluate(self, config: str, input: records.Input) -> records.Measures:
            _sandbox.seal(input.now)
            try:
                read = Input(input)
                return current().run(config, read)._into_raw(read)
            except Failure as failure:
                raise Err(_raw(failure)) from None
            except BaseException as error:
                raise Err(records.Failure(told(error), None)) from None
            finally:
                _sandbox.flush()

    _sandbox.ready()
    return WitWorld


def _raw(failure: Failure) -> records.Failure:
    query = failure.query
    return records.Failure(str(failure.message), None if query is None else str(query))


def told(error: BaseException) -> str:
    """One line: what went wrong, and where in the author's source. The way there goes to the log."""
    frames = _frames(error.__traceback__)
    own = [frame for frame in frames if _is_authors(frame[0].co_filename)] or frames
    for code, line in own[-_MOST_FRAMES:]:
        log.error(f"  {_place(code, line)}")
    text = str(error)
    what = type(error).__name__ + (f": {text}" if text else "")
    return f"{what} ({_place(*own[-1])})" if own else what


def _frames(traceback: TracebackType | None) -> list[tuple[CodeType, Any]]:
    found = []
    while traceback is not None:
        found.append((traceback.tb_frame.f_code, traceback.tb_lineno))
        traceback = traceback.tb_next
    return found


def _is_authors(path: str) -> bool:
    return not path.startswith(_NOT_THE_AUTHORS)


def _place(code: CodeType, line: Any) -> str:
    return f"{os.path.basename(code.co_filename)}:{line} in {code.co_name}"
