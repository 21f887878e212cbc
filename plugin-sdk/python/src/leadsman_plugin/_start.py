"""Is built in as `encodings`, the first module that the interpreter of a component imports.

The snapshot holds whatever the imports leave in the memory: what a folder has in it beside the
modules, and in what order, times and numbers of files. So modules are looked for by opening them, and
read without asking for anything else. Then this becomes what it stands in for.
"""

# Nothing else can be imported yet.
import sys

import _frozen_importlib
import _frozen_importlib_external
import posix

_CHUNK = 1 << 16


def _read(path: str) -> bytes:
    file = posix.open(path, posix.O_RDONLY)
    try:
        chunks = []
        while chunk := posix.read(file, _CHUNK):
            chunks.append(chunk)
    finally:
        posix.close(file)
    return b"".join(chunks)


def _is_there(path: str, flags: int = 0) -> bool:
    try:
        posix.close(posix.open(path, posix.O_RDONLY | flags))
    except OSError:
        return False
    return True


class _Loader(_frozen_importlib_external.SourceFileLoader):
    def get_data(self, path: str) -> bytes:
        return _read(path)

    def path_stats(self, path: str) -> dict[str, int]:
        raise OSError("compiled files are neither looked for nor written")


class _Finder(_frozen_importlib_external.PathFinder):
    @classmethod
    def find_spec(cls, fullname, path=None, target=None):  # type: ignore[no-untyped-def]
        folders = []
        for folder in sys.path if path is None else path:
            base = f"{folder}/{fullname.rpartition('.')[2]}"
            for file, inside in ((f"{base}/__init__.py", [base]), (f"{base}.py", None)):
                if _is_there(file):
                    return _frozen_importlib_external.spec_from_file_location(
                        fullname,
                        file,
                        loader=_Loader(fullname, file),
                        submodule_search_locations=inside,
                    )
            if _is_there(base, posix.O_DIRECTORY):
                folders.append(base)
        if not folders:
            return None
        spec = _frozen_importlib.ModuleSpec(fullname, None, is_package=True)
        # `importlib.resources` wants the type that a package in several folders has.
        spec.submodule_search_locations = _frozen_importlib_external._NamespacePath(  # type: ignore[attr-defined]
            fullname, folders, cls.find_spec
        )
        return spec


def _become() -> None:
    finders = sys.meta_path
    finders[finders.index(_frozen_importlib_external.PathFinder)] = _Finder
    module = sys.modules[__name__]
    spec = _Finder.find_spec(__name__)  # type: ignore[no-untyped-call]
    module.__spec__, module.__loader__, module.__package__ = spec, spec.loader, __name__
    module.__file__, module.__path__ = spec.origin, spec.submodule_search_locations
    spec.loader.exec_module(module)


_become()
