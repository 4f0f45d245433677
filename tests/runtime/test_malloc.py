"""One heap of the C library for all threads."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from olhubd.runtime import malloc

COUNT = """
import ctypes, os, sys, threading
from olhubd.runtime import malloc
told = malloc.share(os.environ) if sys.argv[1] == "share" else False
done = threading.Barrier(5)
def work():
    kept = [bytes(4096) for _ in range(100)]
    done.wait()
    done.wait()
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads: thread.start()
done.wait()
library = ctypes.CDLL(None)
library.fdopen.restype = ctypes.c_void_p
library.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
library.fflush.argtypes = [ctypes.c_void_p]
sys.stdout.write(f"{told}\\n")
sys.stdout.flush()
out = library.fdopen(1, b"w")
library.malloc_info(0, out)
library.fflush(out)
done.wait()
"""


def _heaps(act: str, **environ: str) -> tuple[str, int]:
    """What it tells, and the heaps of a process of five threads."""
    told = subprocess.run(
        [sys.executable, "-c", COUNT, act],
        env={"PYTHONPATH": ":".join(sys.path), **environ},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    ).stdout
    return told.split()[0], told.count("<heap ")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no such heaps")
def test_threads_share_one_heap() -> None:
    assert _heaps("not")[1] > 1
    assert _heaps("share") == ("True", 1)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no such heaps")
def test_what_the_environment_says_goes_first() -> None:
    assert _heaps("share", MALLOC_ARENA_MAX="3") == ("False", 3)
    assert malloc.share({"GLIBC_TUNABLES": "glibc.malloc.arena_max=8"}) is False
