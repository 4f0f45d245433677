"""`olhubd demo` as a person runs it: what it prints, how it ends, and what it says to wrong use."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from olhubd.model import PaymentType
from olhubd_kit.commands.demo import WORDS
from olhubd_kit.simulators.allegro.population import COURIER, LOCKER
from olhubd_kit.simulators.woocommerce import words


def demo(*arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "olhubd", "demo", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, cwd=folder)


def results(output: str) -> dict[str, int]:
    """The lines of the result, by name."""
    return {name: int(value) for name, value in re.findall(r"^ *([a-z][a-z ]+?)  (\d+)$", output, re.MULTILINE)}


def check(done: subprocess.CompletedProcess[str]) -> dict[str, int]:
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    found = results(done.stdout)
    assert found["sold"] > 10
    assert found["forwarded"] == found["sold"] <= found["landed"]
    # In the reader's eyes, too: what was bought is sold, or it is told why not.
    assert found["bought"] == found["cancelled"] + found["put together"] + found["unfinished"] + found["sold"]
    assert found["landed"] <= found["bought"]
    wrong = {name: found[name] for name in ("lost", "doubled", "wrong totals", "not taken back")}
    assert set(wrong.values()) == {0}, wrong
    assert "Traceback" not in done.stderr
    return found


def test_its_words_are_those_of_its_shop() -> None:
    """The first thing that a reader sees is no alarm."""
    assert set(WORDS["shipping"].values()) <= words.KINDS.keys()
    assert set(WORDS["payment"].values()) <= words.GATEWAYS.keys()


def test_with_faults_and_kills_the_books_agree() -> None:
    """FWD-06."""
    done = demo("--orders", "30", "--faults", "--kill", "2", "--exit", "--seed", "7")
    assert check(done)["killed"] == 2
    assert done.stdout.count("the daemon is killed (-9)") == 2
    assert "somebody buys" in done.stdout


def test_without_faults_the_books_agree(tmp_path: Path) -> None:
    """`--keep` leaves all behind; a folder that somebody used is refused."""
    quiet = ("--orders", "30", "--exit", "--quiet", "--seed", "8", "--keep", "kept")
    done = demo(*quiet, folder=tmp_path)
    assert "killed" not in check(done)
    assert "somebody buys" not in done.stdout
    assert (tmp_path / "kept" / "data" / "olhubd.sqlite").stat().st_size > 0
    again = demo(*quiet, folder=tmp_path)
    assert again.returncode == 2
    assert "is not empty" in again.stderr


def test_every_word_of_its_buyers_is_mapped() -> None:
    """So nothing is left to do where all is well."""
    assert WORDS["shipping"].keys() == {COURIER[1], LOCKER[1]}
    assert WORDS["payment"].keys() == {one.value for one in PaymentType if one is not PaymentType.UNKNOWN}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_one_ends_at_once_and_in_order(tmp_path: Path, number: signal.Signals) -> None:
    """A terminal sends Ctrl-C to its whole foreground; what the demo started goes on until the demo ends it."""
    command = [sys.executable, "-m", "olhubd", "demo", "--listen", "off", "--keep", "kept"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path, start_new_session=True) as ran:
        assert ran.stdout is not None
        said = ""
        while "somebody buys" not in said:
            said = ran.stdout.readline()
            assert said
        if number is signal.SIGINT:
            os.killpg(ran.pid, number)
        else:
            ran.send_signal(number)
        rest = ran.communicate(timeout=60)[0]
    assert ran.returncode == 0, rest
    if number is signal.SIGINT:
        found = results(rest)
        assert found["sold"] == found["forwarded"] > 0
    assert (tmp_path / "kept" / "olhubd.log").read_text().count('"stopped"') == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--orders", "many"), "'many' is not a valid integer"),
        (("--orders", "-3"), "-3 is not in the range x>=0"),
        (("--kill", "2"), "--kill goes with --orders"),
        (("--kill", "-1", "--orders", "5"), "-1 is not in the range x>=0"),
        (("--limit", "0"), "0.0 is not in the range x>=1"),
        (("--fault",), "No such option"),
        (("more",), "Got unexpected extra argument"),
    ],
)
def test_wrong_use_is_told(arguments: tuple[str, ...], said: str) -> None:
    done = demo(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_that_cannot_be_made_is_told() -> None:
    done = demo("--exit", "--keep", f"{__file__}/folder")
    assert done.returncode == 1
    assert "Not a directory" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_taken_port_is_told_before_anything_starts() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        done = subprocess.run(
            [sys.executable, "-m", "olhubd", "demo", "--listen", address],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 2
    assert f"cannot listen on {address}" in done.stderr
    assert "--listen" in done.stderr
