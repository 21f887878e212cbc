"""The modules that stand in for the system in a component: one for each interface, whose functions end
the component. componentize-py has interfaces and functions in the order of a hash table.
"""

from __future__ import annotations

from . import _wasm as wasm

_UNREACHABLE = wasm.sized(b"\x00\x00\x0b")
"""The body of a function without local variables."""
_OF_CORE_EXPORT, _OUTER = 0x01, 0x02


def in_order(component: wasm.Sections) -> wasm.Sections:
    """The sections with these modules in an order by their functions."""
    places = [at for at, (kind, _) in enumerate(component) if kind == wasm.CORE_MODULE]
    made_of = [
        module
        for kind, content in component
        if kind == wasm.CORE_INSTANCE
        for module in wasm.elements(content, _instance)
    ]
    stubs = {}
    for number, at in enumerate(places):
        stub = _sorted(component[at][1]) if number in made_of else None
        if stub is not None:
            stubs[number] = stub
    moved = dict(zip(sorted(stubs, key=lambda number: stubs[number]), stubs, strict=True))
    # An instance stays where it is and is made of another module, so it is known by another number.
    renumbered = {
        number: made_of.index(moved[module])
        for number, module in enumerate(made_of)
        if module in moved
    }
    ordered = list(component)
    for number, stub in stubs.items():
        ordered[places[moved[number]]] = (wasm.CORE_MODULE, stub)
    for at, (kind, content) in enumerate(ordered):
        if kind == wasm.ALIAS:
            aliases = wasm.elements(content, lambda reader: _alias(reader, renumbered))
            ordered[at] = (kind, wasm.vector(aliases))
    return ordered


def _sorted(module: bytes) -> bytes | None:
    """The module with its functions by name, or None if they are not all stubs."""
    kinds = [kind for kind, _ in wasm.sections(module)]
    if kinds != [wasm.TYPES, wasm.FUNCTIONS, wasm.EXPORTS, wasm.CODE]:
        return None
    types, functions, exports, code = (content for _, content in wasm.sections(module))
    type_of = wasm.elements(functions, wasm.Reader.unsigned)
    if code != wasm.vector([_UNREACHABLE] * len(type_of)):
        return None
    signatures = wasm.elements(types, _signature)
    named = sorted(wasm.elements(exports, wasm.export))
    kept = range(len(named))
    ordered = [
        wasm.vector([signatures[type_of[function]] for _, _, function in named]),
        wasm.vector([wasm.unsigned(number) for number in kept]),
        wasm.vector([wasm.sized(named[at][0]) + b"\x00" + wasm.unsigned(at) for at in kept]),
        wasm.vector([_UNREACHABLE for _ in kept]),
    ]
    return wasm.MODULE + wasm.binary(list(zip(kinds, ordered, strict=True)))


def _signature(reader: wasm.Reader) -> bytes:
    return reader.take(1) + wasm.sized(reader.name()) + wasm.sized(reader.name())


def _instance(reader: wasm.Reader) -> int | None:
    """The number of the module that an instance is made of, if nothing is given to that."""
    module = reader.unsigned() if reader.byte() == 0 else None
    given = [(reader.name(), reader.byte(), reader.unsigned()) for _ in reader.several()]
    return None if given else module


def _alias(reader: wasm.Reader, renumbered: dict[int, int]) -> bytes:
    begin = reader.at
    if reader.byte() == 0:
        reader.byte()
    target = reader.byte()
    head = reader.data[begin : reader.at]
    first = reader.unsigned()
    if target == _OUTER:
        return head + wasm.unsigned(first) + wasm.unsigned(reader.unsigned())
    if target == _OF_CORE_EXPORT:
        first = renumbered.get(first, first)
    return head + wasm.unsigned(first) + wasm.sized(reader.name())
