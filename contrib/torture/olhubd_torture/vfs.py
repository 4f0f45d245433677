"""Watching what SQLite writes and syncs, from below: a VFS registered in the very library that `sqlite3` uses.

The file methods are those of the machine's own VFS but for three: writing, truncating and syncing are reported to a
`FileWatcher`. So reads cost nothing, and what the store does is seen as it is, by any opener of the file. A second
copy of SQLite, such as another binding brings, would see none of it.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar, Protocol

__all__ = ["FileWatcher", "unreachable", "witnessed"]

_OK = 0
_IOERR_SYNC = 10 | (4 << 8)
_CREATE, _KEEPS_FOLDER = 0x4, 0x80000 | 0x800 | 0x4000
"""Logs and journals: the first sync of one that may be new syncs its folder as well."""
_NAME = b"olhubd-witness"

_pointer, _int, _long = ctypes.c_void_p, ctypes.c_int, ctypes.c_longlong
_OPEN = ctypes.CFUNCTYPE(_int, _pointer, _pointer, _pointer, _int, _pointer)
_DELETE = ctypes.CFUNCTYPE(_int, _pointer, _pointer, _int)
_WRITE = ctypes.CFUNCTYPE(_int, _pointer, _pointer, _int, _long)
_TRUNCATE = ctypes.CFUNCTYPE(_int, _pointer, _long)
_SYNC = ctypes.CFUNCTYPE(_int, _pointer, _int)


class FileWatcher(Protocol):
    """Called about the files in one folder, named without it. What has happened already cannot be refused."""

    def opened(self, name: str, existed: bool) -> Any:
        """A file was opened; returns what the other calls name it by."""

    def wrote(self, file: Any, offset: int, data: bytes) -> None: ...

    def cut_short(self, file: Any, size: int) -> None: ...

    def synced(self, file: Any, folder: bool) -> bool:
        """It is about to be synced, with its folder too; False makes that fail."""

    def deleted(self, name: str, folder: bool) -> None:
        """Removed, and its folder synced where `folder` says so."""

    def renamed(self, old: str, new: str) -> None: ...

    def flushed(self, name: str) -> bool:
        """As `synced`, by its name."""

    def folder_synced(self) -> None: ...


class _Vfs(ctypes.Structure):
    _fields_: ClassVar = [
        ("version", _int),
        ("file_size", _int),
        ("longest_path", _int),
        ("next", _pointer),
        ("name", _pointer),  # as a c_char_p it would be a copy, whose memory nobody keeps
        ("data", _pointer),
        ("open", _pointer),
        ("delete", _pointer),
        *((f"other_{number}", _pointer) for number in range(14)),
    ]


class _Methods(ctypes.Structure):
    _fields_: ClassVar = [
        ("version", _int),
        ("close", _pointer),
        ("read", _pointer),
        ("write", _pointer),
        ("truncate", _pointer),
        ("sync", _pointer),
        *((f"other_{number}", _pointer) for number in range(13)),
    ]


class _Open:
    """A file as one connection has it open."""

    __slots__ = ("file", "folder", "methods", "witness")

    def __init__(self, witness: FileWatcher, file: Any, methods: _Real, folder: bool) -> None:
        self.witness = witness
        self.file = file
        self.methods = methods
        self.folder = folder


class _Real:
    """The machine's own methods for a kind of file, and ours in their place."""

    def __init__(self, own: _Methods, shim: _Shim) -> None:
        self.write = _WRITE(own.write)
        self.truncate = _TRUNCATE(own.truncate)
        self.sync = _SYNC(own.sync)
        self.ours = _Methods.from_buffer_copy(own)
        self.ours.write = ctypes.cast(shim.write, _pointer)
        self.ours.truncate = ctypes.cast(shim.truncate, _pointer)
        self.ours.sync = ctypes.cast(shim.sync, _pointer)


class _Shim:
    """The VFS. There is one, for connections remember it for as long as they live."""

    def __init__(self, library: Any) -> None:
        self._library = library
        self.witnesses: dict[str, FileWatcher] = {}
        self._open_files: dict[int, _Open] = {}
        self._kinds: dict[int, _Real] = {}
        library.sqlite3_vfs_find.restype = _pointer
        library.sqlite3_vfs_find.argtypes = [_pointer]
        address = library.sqlite3_vfs_find(None)
        own = _Vfs.from_address(address)
        self._real_open, self._real_delete = _OPEN(own.open), _DELETE(own.delete)
        self._vfs = _Vfs.from_buffer_copy(own)
        self._name = ctypes.create_string_buffer(_NAME)
        self._vfs.next, self._vfs.name = None, ctypes.addressof(self._name)
        # Kept, or Python would free them under SQLite's feet.
        self.open, self.delete = _OPEN(self._opened), _DELETE(self._deleted)
        self.write, self.truncate, self.sync = _WRITE(self._wrote), _TRUNCATE(self._cut), _SYNC(self._synced)
        self._vfs.open = ctypes.cast(self.open, _pointer)
        self._vfs.delete = ctypes.cast(self.delete, _pointer)

    def register(self) -> None:
        """From now on every new connection comes here."""
        if self._library.sqlite3_vfs_register(ctypes.byref(self._vfs), 1) != _OK:
            raise RuntimeError("SQLite takes no VFS")

    def unregister(self) -> None:
        self._library.sqlite3_vfs_unregister(ctypes.byref(self._vfs))

    def _of(self, name: int | None) -> tuple[FileWatcher, str] | None:
        if not name:
            return None  # a temporary file
        folder, _, file = os.fsdecode(ctypes.string_at(name)).rpartition("/")
        witness = self.witnesses.get(folder)
        return None if witness is None else (witness, file)

    def _opened(self, vfs: int, name: int | None, file: int, flags: int, told: int | None) -> int:
        self._open_files.pop(file, None)
        found = self._of(name)
        existed = found is not None and os.path.exists(ctypes.string_at(name or 0))
        code: int = self._real_open(vfs, name, file, flags, told)
        if code != _OK or found is None:
            return code
        witness, plain = found
        pointer = _pointer.from_address(file)  # what a file begins with
        assert pointer.value is not None
        kind = self._kinds.get(pointer.value)
        if kind is None:
            kind = self._kinds[pointer.value] = _Real(_Methods.from_address(pointer.value), self)
        folder = bool(flags & _CREATE and flags & _KEEPS_FOLDER)
        self._open_files[file] = _Open(witness, witness.opened(plain, existed), kind, folder)
        pointer.value = ctypes.addressof(kind.ours)
        return code

    def _deleted(self, vfs: int, name: int | None, folder: int) -> int:
        code: int = self._real_delete(vfs, name, folder)
        if code == _OK and (found := self._of(name)) is not None:
            found[0].deleted(found[1], bool(folder))
        return code

    def _wrote(self, file: int, data: int, amount: int, offset: int) -> int:
        known = self._open_files[file]
        code: int = known.methods.write(file, data, amount, offset)
        if code == _OK:
            known.witness.wrote(known.file, offset, ctypes.string_at(data, amount))
        return code

    def _cut(self, file: int, size: int) -> int:
        known = self._open_files[file]
        code: int = known.methods.truncate(file, size)
        if code == _OK:
            known.witness.cut_short(known.file, size)
        return code

    def _synced(self, file: int, flags: int) -> int:
        known = self._open_files[file]
        if not known.witness.synced(known.file, known.folder):
            return _IOERR_SYNC
        known.folder = False
        code: int = known.methods.sync(file, flags)
        return code


_shims: list[_Shim] = []


def _shim() -> _Shim:
    if not _shims:
        import _sqlite3

        library = ctypes.CDLL(_sqlite3.__file__)
        _shims.append(_Shim(library))
    return _shims[0]


def unreachable() -> str | None:
    """Why nothing can be seen here; None when all is well."""
    try:
        _shim()
    except (ImportError, AttributeError, OSError) as error:
        return f"the SQLite library of this Python cannot be reached: {error}"
    return None


@contextlib.contextmanager
def witnessed(folder: Path, witness: FileWatcher) -> Iterator[None]:
    """Report to `witness` what connections made meanwhile do to files in `folder`, also after it is over."""
    shim = _shim()
    place = os.path.realpath(folder)
    if not shim.witnesses:
        shim.register()
    shim.witnesses[place] = witness
    try:
        with _told(place, witness):
            yield
    finally:
        del shim.witnesses[place]
        if not shim.witnesses:
            shim.unregister()


@contextlib.contextmanager
def _told(place: str, witness: FileWatcher) -> Iterator[None]:
    """What is done past SQLite, by Python itself: renaming, removing and syncing."""
    rename, replace, unlink, remove, fsync = os.rename, os.replace, os.unlink, os.remove, os.fsync

    def here(path: Any) -> str | None:
        folder, name = os.path.split(os.path.abspath(os.fspath(path)))
        return name if os.path.realpath(folder) == place else None

    def moving(move: Callable[..., None]) -> Callable[..., None]:
        def moved(old: Any, new: Any, **more: Any) -> None:
            move(old, new, **more)
            if (before := here(old)) is not None and (after := here(new)) is not None:
                witness.renamed(before, after)

        return moved

    def removing(away: Callable[..., None]) -> Callable[..., None]:
        def removed(path: Any, **more: Any) -> None:
            name = None if "dir_fd" in more else here(path)
            away(path, **more)
            if name is not None:
                witness.deleted(name, False)

        return removed

    def flush(descriptor: Any) -> None:
        number = descriptor if isinstance(descriptor, int) else descriptor.fileno()
        what = os.fstat(number)
        if os.path.samestat(what, os.stat(place)):
            witness.folder_synced()
        for name in os.listdir(place):
            if os.path.samestat(what, os.stat(os.path.join(place, name))) and not witness.flushed(name):
                raise OSError(errno.EIO, os.strerror(errno.EIO))
        fsync(descriptor)

    os.rename, os.replace = moving(rename), moving(replace)
    os.unlink, os.remove = removing(unlink), removing(remove)
    os.fsync = flush  # type: ignore[assignment]
    try:
        yield
    finally:
        os.rename, os.replace, os.unlink, os.remove, os.fsync = rename, replace, unlink, remove, fsync
