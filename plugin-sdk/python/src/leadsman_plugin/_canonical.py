"""The same component for the same sources.

Two snapshots of the same sources differ in what nothing reads again, which becomes zero, and in the
order of the modules that stand in for the system, which is by chance and becomes another one.
"""

from __future__ import annotations

import hashlib

from . import _memory, _stubs
from . import _wasm as wasm

_KNOWN = "647b670b9a4c5a65170bfae4fa8719fc1e3f899884c81e0967cb913ed56cff8a"
"""The digest of the code of libpython in componentize-py 0.25.1: the same in the wheels of all systems."""


_NAMES = wasm.sized(b"component-name")
"""The section with names for debuggers, which has them in that order. Nobody else reads it."""


class UnknownComponent(ValueError):
    """It is not what the known version of componentize-py makes."""


def canonical(component: bytes) -> bytes:
    """The component without what differs by chance. Raises UnknownComponent."""
    try:
        sections = _stubs.in_order(list(wasm.sections(component)))
        is_known = False
        for at, (kind, content) in enumerate(sections):
            if kind == wasm.CORE_MODULE:
                module = list(wasm.sections(content))
                is_known = is_known or _is_libpython(module)
                sections[at] = (kind, _memory.without_notes(module) or content)
    except (IndexError, ValueError) as error:
        raise UnknownComponent(f"the component cannot be read: {error}") from error
    if not is_known:
        raise UnknownComponent("the component has another build of libpython in it")
    kept = [it for it in sections if it[0] != wasm.CUSTOM or not it[1].startswith(_NAMES)]
    return wasm.COMPONENT + wasm.binary(kept)


def _is_libpython(module: wasm.Sections) -> bool:
    return any(
        kind == wasm.CODE and hashlib.sha256(code).hexdigest() == _KNOWN for kind, code in module
    )
