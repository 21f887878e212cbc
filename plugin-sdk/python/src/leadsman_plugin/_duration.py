"""Durations as people write them in a configuration."""

from __future__ import annotations

import re
from datetime import timedelta

_MILLISECONDS = {
    "ms": 1,
    "s": 1000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 7 * 86_400_000,
}
_WHOLE = re.compile(r"(?:[0-9]+(?:ms|[smhdw]))+", re.ASCII)
_PART = re.compile(r"([0-9]+)(ms|[smhdw])", re.ASCII)


def parse_duration(text: str) -> timedelta:
    """Reads a duration as mappings have it: `500ms`, `5s`, `1m30s`, `2h`, `7d`.

    Raises ValueError, which says what would be right.
    """
    trimmed = text.strip()
    if _WHOLE.fullmatch(trimmed):
        parts = _PART.findall(trimmed)
        try:
            return timedelta(milliseconds=sum(int(n) * _MILLISECONDS[unit] for n, unit in parts))
        except (OverflowError, ValueError):
            pass
    short = escaped(text[:40])
    raise ValueError(f'"{short}" is not a duration such as 30s, 1m30s, 2h or 7d')


def escaped(text: str) -> str:
    """Text for a message: quotes and control characters of others do not break its line."""
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
