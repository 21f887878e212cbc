"""The contract's records: those of the component when there is one, their copies natively."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import _records as records
else:
    try:
        from wit_world.imports import types as records
    except ImportError:
        from . import _records as records

__all__ = ["records"]
