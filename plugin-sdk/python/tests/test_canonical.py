"""What makes two builds of the same sources the same; the builds themselves need componentize-py."""

import pytest

from leadsman_plugin import _memory, _startup, _stubs
from leadsman_plugin import _wasm as wasm
from leadsman_plugin._canonical import UnknownComponent, canonical

LIBPYTHON = "libpython3.14.so:memory_base"
SYMBOLS = {
    "__stack_low": 0,
    "__stack_pointer": 1 << 10,
    "libc.so:__stack_chk_guard": 1 << 12,
    "libwasi-emulated-process-clocks.so:memory_base": 1 << 13,
    LIBPYTHON: 1 << 14,
}


def text(text: str) -> bytes:
    return wasm.sized(text.encode())


@pytest.mark.parametrize("number", [0, 1, 63, 64, 127, 128, 1 << 14, (1 << 31) - 1])
def test_numbers_are_read_as_they_are_written(number: int) -> None:
    assert wasm.Reader(wasm.unsigned(number)).unsigned() == number
    for signed in (number, -number, -number - 1):
        assert wasm.Reader(wasm.signed(signed)).signed() == signed
    with pytest.raises(ValueError, match="1 bytes wanted"):
        wasm.Reader(wasm.unsigned(number)[:-1] + b"\x80").unsigned()


def stub(*names: str) -> bytes:
    """A stub whose functions have as many parameters as their names have letters."""
    count = range(len(names))
    types = [b"\x60" + wasm.vector([b"\x7f"] * len(name)) + wasm.vector([]) for name in names]
    exports = [text(names[at]) + b"\x00" + wasm.unsigned(at) for at in count]
    return wasm.MODULE + wasm.binary(
        [
            (wasm.TYPES, wasm.vector(types)),
            (wasm.FUNCTIONS, wasm.vector([wasm.unsigned(at) for at in count])),
            (wasm.EXPORTS, wasm.vector(exports)),
            (wasm.CODE, wasm.vector([b"\x03\x00\x00\x0b" for _ in count])),
        ]
    )


def component(modules: list[bytes], used: list[tuple[int, str]]) -> wasm.Sections:
    """Makes an instance of each module and uses functions of them."""
    instances = [b"\x00" + wasm.unsigned(at) + wasm.vector([]) for at in range(len(modules))]
    aliases = [b"\x00\x00\x01" + wasm.unsigned(at) + text(name) for at, name in used]
    return [
        *((wasm.CORE_MODULE, module) for module in modules),
        (wasm.CORE_INSTANCE, wasm.vector(instances)),
        (wasm.ALIAS, wasm.vector(aliases)),
    ]


def test_stubs_have_one_order_and_are_still_what_they_are_used_as() -> None:
    other = wasm.MODULE + wasm.binary([(wasm.TYPES, wasm.vector([]))])
    one = component(
        [stub("now"), other, stub("exit", "abort")], [(2, "exit"), (1, "x"), (0, "now")]
    )
    two = component(
        [stub("abort", "exit"), other, stub("now")], [(0, "exit"), (1, "x"), (2, "now")]
    )
    ordered = _stubs.in_order(one)
    assert ordered == _stubs.in_order(two)
    # Each name is taken from an instance of the module that has it, as in `one`.
    modules = [content for kind, content in ordered if kind == wasm.CORE_MODULE]
    assert modules == [stub("now"), other, stub("abort", "exit")]
    assert dict(ordered)[wasm.ALIAS] == dict(one)[wasm.ALIAS] != dict(two)[wasm.ALIAS]


def memory(content: bytes, symbols: dict[str, int]) -> wasm.Sections:
    globals_ = [b"\x7f\x00\x41" + wasm.signed(value) + b"\x0b" for value in symbols.values()]
    exports = [text(name) + b"\x03" + wasm.unsigned(at) for at, name in enumerate(symbols)]
    return [
        (wasm.IMPORTS, wasm.vector([text("env") + text("f") + b"\x00\x00"])),
        (wasm.GLOBALS, wasm.vector(globals_)),
        (wasm.EXPORTS, wasm.vector(exports)),
        (wasm.DATA, wasm.vector([b"\x00\x41\x00\x0b" + wasm.sized(content)])),
    ]


def test_only_what_nothing_reads_becomes_zero() -> None:
    before = b"\x01" * (4 << 20)
    changed = _memory.without_notes(memory(before, SYMBOLS))
    assert changed is not None
    after = bytearray(len(before))
    for reader in [wasm.Reader(dict(wasm.sections(changed))[wasm.DATA])]:
        for _ in reader.several():
            assert reader.take(2) == b"\x00\x41"
            at = reader.signed()
            assert reader.take(1) == b"\x0b"
            part = reader.name()
            after[at : at + len(part)] = part
    assert not any(after[: 1 << 10])
    assert after[1 << 10 : 1 << 12] == before[1 << 10 : 1 << 12]
    assert after[1 << 12 : (1 << 12) + 5] == b"\x00\x00\x00\x00\x01"
    clock = 1 << 13
    assert after[clock + 7 : clock + 25] == b"\x01" + bytes(16) + b"\x01"
    assert after.count(0) == (1 << 10) + 4 + 16 + 12 + 32 + 64 + 8


def test_another_layout_is_refused() -> None:
    assert _memory.without_notes([(wasm.TYPES, wasm.vector([]))]) is None
    for missing in SYMBOLS.keys() - {LIBPYTHON}:
        symbols = {name: at for name, at in SYMBOLS.items() if name != missing}
        with pytest.raises(ValueError, match="there is no|has no bounds"):
            _memory.without_notes(memory(b"\x01", symbols))
    with pytest.raises(UnknownComponent, match="another build of libpython"):
        canonical(wasm.COMPONENT)
    with pytest.raises(UnknownComponent, match="cannot be read"):
        canonical(wasm.COMPONENT + b"\x01\x7f")


def test_the_module_that_runs_first_has_variables_and_source() -> None:
    library = _startup.library({"NAME": "value"}, "first", "x = 1\n")
    content = dict(wasm.sections(library))
    for part in (b"NAME\0", b"value\0", b"first\0", b"x = 1\n\0"):
        assert part in content[wasm.DATA]
    assert content[wasm.CUSTOM].startswith(text("dylink.0"))
    assert wasm.elements(content[wasm.EXPORTS], wasm.export)[0][0] == b"__wasm_call_ctors"
    # One constructor, and two functions in the table.
    assert wasm.elements(content[wasm.FUNCTIONS], wasm.Reader.unsigned) == [5, 0, 1]
