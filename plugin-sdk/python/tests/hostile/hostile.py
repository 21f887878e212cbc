"""A plugin that does what no plugin can, as its configuration says.

`told` holds what must come of it: a failure with these words, or a fixed value. `stopped` holds what
the adapter itself ends.
"""

import asyncio
import datetime
import json
import logging
import os
import pathlib
import random
import secrets
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from leadsman_plugin import Input, Measures, log, plugin

# Where the component is made, the module may read what lies beside it.
TABLE = json.loads(pathlib.Path(__file__).with_name("table.json").read_text())


@dataclass
class Config:
    """What it does."""

    do: str


def deep(depth: int) -> int:
    return deep(depth + 1) + 1


class Deep:
    """Recursion that goes through the interpreter's own functions."""

    def __repr__(self) -> str:
        return repr([Deep()])


def nested() -> str:
    made: list[object] = []
    for _ in range(200_000):
        made = [made]
    return repr(made)


def grow() -> None:
    kept = []
    while True:
        kept.append(bytearray(1 << 20))


def spin() -> None:
    while True:
        pass


def far_down() -> int:
    sys.setrecursionlimit(1_000_000)
    return deep(0)


def printed() -> None:
    print("printed", 1)
    print("without an end", end="")
    print("to standard error", file=sys.stderr)
    logging.getLogger("author").warning("told to %s", "logging")
    log.info("told to the log")


async def tasks() -> int:
    return sum(await asyncio.gather(one(1), one(2)))


async def one(number: int) -> int:
    return number


def late_import() -> None:
    import sqlite3  # noqa: F401


def writes() -> None:
    pathlib.Path("x").write_text("x")


def threads() -> None:
    thread = threading.Thread(target=print)
    thread.start()
    thread.join()


def network() -> None:
    import socket

    socket.create_connection(("10.0.0.1", 80))


def chained() -> None:
    try:
        {}["absent"]
    except KeyError as error:
        raise ValueError("the table lacks it") from error


DEEDS: dict[str, Callable[[], object]] = {
    "open": lambda: open("/etc/passwd"),
    "path": lambda: pathlib.Path("/etc/passwd").read_text(),
    "write": writes,
    "list": lambda: os.listdir("/"),
    "temporary": lambda: tempfile.TemporaryFile(),
    "time": time.time,
    "monotonic": time.monotonic_ns,
    "sleep": lambda: time.sleep(3),
    "now": lambda: datetime.datetime.now(datetime.UTC),
    "today": datetime.date.today,
    "localtime": time.localtime,
    "urandom": lambda: os.urandom(8),
    "uuid": uuid.uuid4,
    "secrets": lambda: secrets.token_hex(8),
    "thread": threads,
    "process": lambda: subprocess.run(["true"], check=True),
    "system": lambda: os.system("true"),
    "network": network,
    "input": input,
    "exit": lambda: sys.exit(3),
    "os-exit": lambda: os._exit(3),
    "abort": os.abort,
    "import": late_import,
    "exception": lambda: {}["absent"],
    "chained": chained,
    "recursion": lambda: deep(0),
    "recursion-through-the-interpreter": lambda: repr(Deep()),
    "recursion-of-a-value": nested,
    "recursion-of-json": lambda: json.loads("[" * 200_000),
    "recursion-without-limit": far_down,
    "large": lambda: bytearray(1 << 30),
    "grow": grow,
    "spin": spin,
    "spin-in-the-interpreter": lambda: sum(range(10**12)),
    "print": printed,
    "asyncio": lambda: asyncio.run(tasks()),
    "value": lambda: Measures().add("a", "1"),  # type: ignore[arg-type]
    "time-of-a-measure": lambda: Measures().add("a", 1, time=1.5),  # type: ignore[arg-type]
    "object": lambda: Measures().add(5, 1),  # type: ignore[arg-type]
    "signal": lambda: os.kill(os.getpid(), 9),
    "environment": lambda: os.environ["HOME"],
}


@plugin(name="hostile", version="0.1.0", about="Does what no plugin can")
def hostile(config: Config, input: Input) -> Measures:
    if config.do == "nothing":
        return None  # type: ignore[return-value]
    measures = Measures()
    if config.do == "random":
        measures.add("a", random.randrange(1000))
    elif config.do == "generator":
        # Without a seed it would ask the system for one.
        measures.add("a", random.Random().randrange(1000))
    elif config.do == "hash":
        measures.add("a", len(set("abcdefgh")))
    elif config.do == "table":
        measures.add("a", TABLE["a"])
    elif config.do == "date":
        at = datetime.datetime.fromtimestamp(input.now / 1000, datetime.UTC)
        is_date = isinstance(at, datetime.date) and isinstance(at.date(), datetime.date)
        measures.add("a", at.hour if is_date else -1)
    else:
        DEEDS[config.do]()
        measures.add("a", 1)
    return measures
