"""A disk whose power can be cut: what was synced stays, of the rest any part may.

It remembers what was written to the files of one folder since each was last synced, and which names appeared,
changed or went since the folder was. A cut gives the folder as it may be found afterwards. Unsynced writes are kept
by sectors of 512 bytes: none, all, the first ones, or any of them. Names are kept as far as file systems with a
journal do, in the order they were made. The shared-memory file of a write-ahead log is gone.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from olhubd_torture import vfs

__all__ = ["PowerCutDisk"]

_SECTOR = 512


class _Write(msgspec.Struct, frozen=True):
    """Bytes at an offset; without `data` the file is cut short there."""

    at: int
    offset: int
    data: bytes | None


class _File:
    """`sound` is what a cut leaves in any case, but for what was synced since a moment was marked."""

    def __init__(self, sound: bytes = b"") -> None:
        self.sound = bytearray(sound)
        self.writes: list[_Write] = []
        self.syncs: list[int] = []

    def settle(self) -> None:
        """All that was synced is there for good."""
        if not self.syncs:
            return
        for write in self.writes:
            if write.at <= self.syncs[-1]:
                _apply(self.sound, write.offset, write.data)
        self.writes = [write for write in self.writes if write.at > self.syncs[-1]]
        self.syncs = []

    def _until(self, moment: int) -> bytearray:
        content = bytearray(self.sound)
        for write in self.writes:
            if write.at <= moment:
                _apply(content, write.offset, write.data)
        return content

    def found(self, moment: int, dice: random.Random) -> bytes:
        """What may be read after a cut at that moment."""
        synced = max((at for at in self.syncs if at <= moment), default=-1)
        content = self._until(synced)
        unsure = [write for write in self.writes if synced < write.at <= moment]
        for write in _some(unsure, dice):
            _apply(content, write.offset, write.data)
        return bytes(content)

    def forget_some(self, dice: random.Random) -> None:
        """A sync failed: the system holds what it could not write for written, and never writes it again."""
        synced = self.syncs[-1] if self.syncs else -1
        sure = [write for write in self.writes if write.at <= synced]
        self.writes = sure + _some([write for write in self.writes if write.at > synced], dice)


def _apply(content: bytearray, offset: int, data: bytes | None) -> None:
    if data is None:
        del content[offset:]
        return
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data


def _some(writes: list[_Write], dice: random.Random) -> list[_Write]:
    """Those that reached the disk, torn at the borders of sectors."""
    match dice.randrange(4):
        case 0:
            return []
        case 1:
            return writes
        case 2:
            sectors = [part for write in writes for part in _sectors(write)]
            return sectors[: dice.randint(0, len(sectors))]
        case _:
            chance = dice.choice((0.2, 0.5, 0.8))
            return [part for write in writes for part in _sectors(write) if dice.random() < chance]


def _sectors(write: _Write) -> Iterator[_Write]:
    if write.data is None:
        yield write
        return
    start, end = write.offset, write.offset + len(write.data)
    while start < end:
        border = min(end, start - start % _SECTOR + _SECTOR)
        yield _Write(write.at, start, write.data[start - write.offset : border - write.offset])
        start = border


class PowerCutDisk:
    """Remembers for one folder, which holds no others. `failing`: each sync fails from now on.

    `before_sync` is called before each sync takes effect. Use it in `spinning`.
    """

    def __init__(self, folder: Path, dice: random.Random) -> None:
        self._folder = folder
        self._dice = dice
        self._clock = itertools.count(1)
        self._now = 0
        self.marked = False
        """Whether something is under way that nobody knows of."""
        self.failing = False
        self.before_sync: Callable[[], None] | None = None
        self.syncs = 0
        self._names: dict[str, _File] = {}
        """As they are now."""
        self._sound: dict[str, _File] = {}
        """As a cut leaves them in any case."""
        self._moves: list[tuple[int, str, _File | None]] = []
        """What was done to names: from when on which is of which file."""
        self._folder_syncs: list[int] = []
        for file in folder.iterdir():
            if not file.name.endswith("-shm"):
                self._names[file.name] = self._sound[file.name] = _File(file.read_bytes())

    @contextlib.contextmanager
    def spinning(self) -> Iterator[None]:
        """Watch what is done in the folder."""
        with vfs.witnessed(self._folder, self):
            yield

    # The power

    def mark(self) -> None:
        """From here to `passed` what is done is known to nobody, so a cut may have come at any moment."""
        self._settle()
        self.marked = True

    def passed(self) -> None:
        """What was done is known."""
        self.marked = False
        self._settle()

    def cut(self, there: Path, dice: random.Random) -> None:
        """Write the folder as it is found after a cut into another, which is made."""
        there.mkdir(parents=True)
        moment = self._now
        if self.marked:
            moment = dice.randint(min(self._moments(), default=moment), moment)
        synced = max((at for at in self._folder_syncs if at <= moment), default=-1)
        names = dict(self._sound)
        unsure = [move for move in self._moves if synced < move[0] <= moment]
        sure = [move for move in self._moves if move[0] <= synced]
        for _, name, moved in (*sure, *unsure[: dice.randint(0, len(unsure))]):
            _name(names, name, moved)
        for name, file in names.items():
            (there / name).write_bytes(file.found(moment, dice))

    def _moments(self) -> Iterator[int]:
        for file in self._files():
            yield from (write.at - 1 for write in file.writes)
            yield from (at - 1 for at in file.syncs)

    def _files(self) -> list[_File]:
        return [*self._names.values(), *self._sound.values(), *(file for _, _, file in self._moves if file)]

    def _settle(self) -> None:
        for file in self._files():
            file.settle()
        if self._folder_syncs:
            synced = self._folder_syncs[-1]
            for at, name, moved in self._moves:
                if at <= synced:
                    _name(self._sound, name, moved)
            self._moves = [move for move in self._moves if move[0] > synced]
            self._folder_syncs = []

    def _tick(self) -> int:
        self._now = next(self._clock)
        return self._now

    # What is seen

    def opened(self, name: str, existed: bool) -> _File:
        file = self._names.get(name)
        if file is None:
            # Made past SQLite, if it was there: then nothing of it is known to be on the disk.
            file = _File()
            path = self._folder / name
            if existed and (content := path.read_bytes()):
                file.writes.append(_Write(self._tick(), 0, content))
            self._move(name, file)
        return file

    def _move(self, name: str, file: _File | None) -> None:
        _name(self._names, name, file)
        self._moves.append((self._tick(), name, file))

    def wrote(self, file: _File, offset: int, data: bytes) -> None:
        file.writes.append(_Write(self._tick(), offset, data))

    def cut_short(self, file: _File, size: int) -> None:
        file.writes.append(_Write(self._tick(), size, None))

    def synced(self, file: _File, folder: bool) -> bool:
        if self.before_sync is not None:
            self.before_sync()
        if self.failing:
            file.forget_some(self._dice)
            return False
        self.syncs += 1
        file.syncs.append(self._tick())
        if folder:
            self._folder_syncs.append(self._tick())
        if not self.marked:
            self._settle()
        return True

    def deleted(self, name: str, folder: bool) -> None:
        if name in self._names:
            self._move(name, None)
        if folder:
            self.folder_synced()

    def renamed(self, old: str, new: str) -> None:
        file = self._names.get(old) or self.opened(new, True)
        self._move(new, file)
        if old in self._names:
            self._move(old, None)

    def flushed(self, name: str) -> bool:
        return self.synced(self._names.get(name) or self.opened(name, True), False)

    def folder_synced(self) -> None:
        for name in os.listdir(self._folder):
            if name not in self._names and not name.endswith("-shm"):
                self.opened(name, True)
        self._folder_syncs.append(self._tick())
        if not self.marked:
            self._settle()


def _name(names: dict[str, _File], name: str, file: _File | None) -> None:
    if file is None:
        names.pop(name, None)
    else:
        names[name] = file
