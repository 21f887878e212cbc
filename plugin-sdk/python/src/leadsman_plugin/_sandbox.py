"""What a plugin does not have says so.

A component is a snapshot that is taken after the imports of a project, and its calls to the system are
stubs that end it without a word. So whatever a plugin is likely to call is replaced by what raises an
error that names what is missing. Until the snapshot is taken everything works, so that a module may
read a table beside it when it is imported.
"""

from __future__ import annotations

import builtins
import datetime as _datetime
import gc
import io
import os
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from . import log


class Unavailable(RuntimeError):
    """A plugin called for what no plugin has."""


class _State:
    sealed = False
    now = 0
    """When the evaluation began, in milliseconds since the epoch."""


def seal(now: int) -> None:
    """From here on nothing of the system is to be had."""
    _State.sealed = True
    _State.now = now


def flush() -> None:
    """Writes what was printed without the end of a line."""
    sys.stdout.flush()
    sys.stderr.flush()


_CLOCK = "clock; `input.now` is when the evaluation began"
_FILES = "files; what is read when the module is imported is kept"
_RANDOM = "source of random numbers; `random` gives the same ones in each run"
_SYSTEM = "operating system"


def _refusing(what: str, real: Callable[..., Any]) -> Callable[..., Any]:
    def refuse(*arguments: Any, **named: Any) -> Any:
        if _State.sealed:
            raise Unavailable(f"plugins have no {what} ({refuse.__name__})")
        return real(*arguments, **named)

    refuse.__name__ = getattr(real, "__name__", "?")
    return refuse


def _replace(module: Any, names: tuple[str, ...] | list[str], what: str) -> None:
    for name in names:
        if hasattr(module, name):
            setattr(module, name, _refusing(what, getattr(module, name)))


def _refusing_without(what: str, real: Callable[..., Any], given: int) -> Callable[..., Any]:
    """The same for a function that asks the clock only where it is given no time."""
    refuse = _refusing(what, real)

    def perhaps(*arguments: Any) -> Any:
        has_time = len(arguments) > given and arguments[given] is not None
        return real(*arguments) if has_time else refuse(*arguments)

    return perhaps


def _open(
    file: Any,
    mode: str = "r",
    buffering: int = -1,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    closefd: bool = True,
    opener: Any = None,
) -> Any:
    """Reads without asking for the times and the number of a file, which the snapshot would hold."""
    if mode not in ("r", "rt", "rb") or isinstance(file, int) or opener is not None:
        return _real_open(file, mode, buffering, encoding, errors, newline, closefd, opener)
    number = os.open(file, os.O_RDONLY)
    try:
        chunks = []
        while chunk := os.read(number, 1 << 16):
            chunks.append(chunk)
    except OSError:
        # A folder, for which there is an error that says so.
        return _real_open(file, mode, buffering, encoding, errors, newline)
    finally:
        os.close(number)
    content = _Content(b"".join(chunks), file)
    if mode == "rb":
        return content
    text = io.TextIOWrapper(content, encoding, errors, newline)
    text.mode = mode  # type: ignore[misc]
    return text


class _Content(io.BytesIO):
    """What a file has in it, with its name."""

    mode = "rb"

    def __init__(self, content: bytes, name: Any) -> None:
        super().__init__(content)
        self.name = name


_real_open = io.open
_open.__name__ = "open"


class _Lines(io.TextIOBase):
    """`print` becomes lines of the adapter's log."""

    def __init__(self, write: Callable[[str], None], before: Any) -> None:
        self._write, self._before, self._rest = write, before, ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not _State.sealed:
            return int(self._before.write(text))
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._write(line)
        return len(text)

    def flush(self) -> None:
        if not _State.sealed:
            self._before.flush()
        elif self._rest:
            rest, self._rest = self._rest, ""
            self._write(rest)


class _NoImport:
    """What was not imported before the snapshot never will be."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> None:
        if _State.sealed:
            raise ImportError(
                f"import {name} at the top of the module: a plugin is a snapshot that is taken after "
                "its imports"
            )


def _without_clock() -> None:
    for name in dir(time):
        if name in ("sleep", "clock_gettime", "clock_gettime_ns", "clock_getres"):
            _replace(time, [name], _CLOCK)
        elif name.removesuffix("_ns") in (
            "time",
            "monotonic",
            "perf_counter",
            "process_time",
            "thread_time",
        ):
            _replace(time, [name], _CLOCK)
    for name, given in (("gmtime", 0), ("localtime", 0), ("ctime", 0), ("asctime", 0)):
        setattr(time, name, _refusing_without(_CLOCK, getattr(time, name), given))
    time.strftime = _refusing_without(_CLOCK, time.strftime, 1)
    _without_dates()


def _without_dates() -> None:
    """Types of C cannot be patched, so those with the clock are subclasses that have none."""
    date, moment = _datetime.date, _datetime.datetime

    class Meta(type):
        def __instancecheck__(cls, one: object) -> bool:
            return isinstance(one, cls.__mro__[1])

        def __subclasscheck__(cls, one: type) -> bool:
            return issubclass(one, cls.__mro__[1])

    def refuse(name: str) -> Any:
        def asked(cls: type, *arguments: Any) -> Any:
            if _State.sealed:
                raise Unavailable(f"plugins have no {_CLOCK} ({name})")
            return getattr(cls.__mro__[1], name)(*arguments)

        return classmethod(asked)

    body = {"__module__": "datetime", "today": refuse("today")}
    new_date = Meta("date", (date,), body)
    body = {**body, "now": refuse("now"), "utcnow": refuse("utcnow")}
    new_moment = Meta("datetime", (moment,), body)
    _datetime.date, _datetime.datetime = new_date, new_moment  # type: ignore[misc, assignment]


def _without_system() -> None:
    kept = {"fspath", "strerror", "fsencode", "fsdecode", "cpu_count", "getpid", "urandom"}
    system = sys.modules.get("posix")
    for name in dir(system):
        real = getattr(system, name)
        if name.startswith("_") and name != "_exit":
            continue
        if callable(real) and not isinstance(real, type) and name not in kept:
            if hasattr(os, name):
                _replace(os, [name], _FILES if name in _OF_FILES else _SYSTEM)
    _replace(os, ["urandom", "getrandom"], _RANDOM)
    _replace(os, ["scandir"], _FILES)
    builtins.open = io.open = _refusing(_FILES, _open)
    _replace(builtins, ["input"], "standard input")
    sys.breakpointhook = _refusing("debugger", sys.breakpointhook)


_OF_FILES = {
    "access",
    "chdir",
    "getcwd",
    "link",
    "listdir",
    "lstat",
    "mkdir",
    "open",
    "read",
    "readlink",
    "remove",
    "rename",
    "replace",
    "rmdir",
    "scandir",
    "stat",
    "symlink",
    "truncate",
    "unlink",
    "utime",
    "write",
}


def _with_logging() -> None:
    """The standard module writes to the adapter's log, by its levels."""
    # It notes when it was imported, which would be another component each time.
    real, time.time_ns = time.time_ns, lambda: 0
    import logging

    time.time_ns = real

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            write = (
                log.error
                if record.levelno >= logging.ERROR
                else log.warn
                if record.levelno >= logging.WARNING
                else log.info
                if record.levelno >= logging.INFO
                else log.debug
            )
            if _State.sealed:
                write(self.format(record))
            else:
                print(self.format(record), file=sys.__stderr__)

        def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
            raise  # noqa: PLE0704 - the error that is being handled, with the author's line

    def now_ns() -> int:
        return _State.now * 1_000_000

    def now() -> float:
        return _State.now / 1000

    # A record has a time, which is that of the evaluation.
    logging.time = SimpleNamespace(  # type: ignore[attr-defined]
        time=now, time_ns=now_ns, localtime=time.gmtime, gmtime=time.gmtime, strftime=time.strftime
    )
    logging.getLogger().addHandler(Handler())
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def _without_seeds() -> None:
    """The same sources make the same component, and each run of it the same numbers."""
    import _random

    class Random(_random.Random):
        # The type of C asks the system for a seed if it is given none.
        def __new__(cls, *arguments: Any, **named: Any) -> Any:
            return super().__new__(cls, 0)  # type: ignore[call-arg]

        def seed(self, n: Any = None, /) -> None:
            super().seed(0 if n is None else n)

    _random.Random = Random  # type: ignore[misc]
    import random

    random.seed(0)


def enter() -> None:
    """Takes away what plugins do not have. Comes before the imports of the project."""
    sys.stdout = _Lines(log.info, sys.stdout)
    sys.stderr = _Lines(log.warn, sys.stderr)
    _without_clock()
    _without_system()
    _with_logging()
    _without_seeds()
    sys.meta_path.insert(0, _NoImport)


def _without_network() -> None:
    """In modules that the project has imported, directly or not."""
    for module, names, what in (
        ("asyncio.events", ["new_event_loop"], "event loop"),
        ("socket", list(_OF_NETWORK), "network"),
        ("select", ["select", "poll", "epoll"], "network"),
        ("_thread", ["start_new_thread", "start_joinable_thread"], "threads"),
        ("threading", ["_start_joinable_thread"], "threads"),
    ):
        if module in sys.modules:
            _replace(sys.modules[module], names, what)


_OF_NETWORK = (
    "socket",
    "socketpair",
    "create_connection",
    "create_server",
    "getaddrinfo",
    "gethostbyname",
    "gethostname",
    "getfqdn",
)


def ready() -> None:
    """The last step before the snapshot: what there is now lives as long as the component."""
    _without_network()
    gc.collect()
    gc.freeze()
