"""Lines for the adapter's log.

They carry the mapping's name; how many an evaluation may write is limited by the adapter. In native
tests they go to standard error. `print` and the standard module `logging` end here, too.
"""

from __future__ import annotations

import sys

try:
    from wit_world.imports import log as _host  # type: ignore[import-not-found]
except ImportError:
    _host = None


def debug(message: str) -> None:
    """Something only the author looks for."""
    _write("DEBUG", message)


def info(message: str) -> None:
    """Something worth knowing."""
    _write("INFO", message)


def warn(message: str) -> None:
    """Something that may need attention."""
    _write("WARN", message)


def error(message: str) -> None:
    """Something that needs attention."""
    _write("ERROR", message)


def _write(level: str, message: str) -> None:
    if _host is None:
        print(f"{level.capitalize()}: {message}", file=sys.stderr)
    else:
        # A lone surrogate is no text that can leave the sandbox.
        message = str(message).encode("utf-8", "replace").decode()
        _host.write(getattr(_host.Level, level), message)
