"""The parts of a running site start, are watched, and leave nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from apps.server.supervisor import Part, PartEnded, Supervisor

SECONDS = 15.0  # the longest that anything here is waited for

# Writes its process id and that of a grandchild, then works until it is asked to stop.
PATIENT = """
import pathlib, signal, subprocess, sys
grandchild = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
def stop(*_):
    grandchild.terminate()
    grandchild.wait()
    pathlib.Path(sys.argv[1] + ".stopped").touch()
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
pathlib.Path(sys.argv[1] + ".new").write_text(f"{__import__('os').getpid()} {grandchild.pid}")
pathlib.Path(sys.argv[1] + ".new").rename(sys.argv[1])
while True:
    signal.pause()
"""
DEAF = PATIENT.replace("def stop(*_):", "def stop(*_):\n    return")


def part(script: str, *arguments: str, name: str = "example", comes_again: bool = False) -> Part:
    return Part(name, [sys.executable, "-c", script, *arguments], comes_again=comes_again)


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


def alive(process_id: int) -> bool:
    """Whether a process runs; one that only waits to be reaped does not."""
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def processes_of(file: Path) -> list[int]:
    assert eventually(file.exists)
    return [int(word) for word in file.read_text().split()]


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    one = Supervisor(grace_seconds=SECONDS, pause_seconds=0.1)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield one
    one.close()
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_stop_lets_every_part_finish_and_leaves_no_process(supervisor: Supervisor, tmp_path: Path) -> None:
    files = [tmp_path / "first", tmp_path / "second"]
    for file in files:
        supervisor.start(part(PATIENT, str(file)))
    processes = [one for file in files for one in processes_of(file)]
    assert supervisor.stop() == []
    assert all(file.with_suffix(".stopped").exists() for file in files)
    assert [one for one in processes if alive(one)] == []


def test_a_part_that_the_site_can_do_without_is_started_again(supervisor: Supervisor, tmp_path: Path) -> None:
    lives = tmp_path / "lives"
    supervisor.start(part(PATIENT, str(tmp_path / "ids"), name="web server"))
    supervisor.start(part(f"open({str(lives)!r}, 'a').write('.')", name="scheduler", comes_again=True))
    assert supervisor.wait_until(lambda: lives.exists() and len(lives.read_text()) >= 3, seconds=SECONDS)


def test_a_part_that_ends_is_named_in_a_sentence(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start(part(PATIENT, str(tmp_path / "ids"), name="web server"))
    supervisor.start(part("raise SystemExit(3)", name="checker"))
    with pytest.raises(PartEnded, match=r"The checker ended by itself \(exit code 3\)"):
        supervisor.watch()


def test_a_part_that_ends_before_it_is_ready_is_not_waited_for(supervisor: Supervisor) -> None:
    supervisor.start(part("raise SystemExit(1)"))
    with pytest.raises(PartEnded):
        supervisor.wait_until(lambda: False, seconds=SECONDS)


def test_a_signal_ends_the_watching(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.listen_to_signals()
    supervisor.start(part(PATIENT, str(tmp_path / "ids")))
    processes_of(tmp_path / "ids")
    os.kill(os.getpid(), signal.SIGTERM)
    supervisor.watch()
    assert supervisor.stop_asked


def test_one_stop_that_arrives_twice_is_not_impatience(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.listen_to_signals()
    supervisor.start(part(PATIENT, str(tmp_path / "ids")))
    processes_of(tmp_path / "ids")
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGTERM)
    assert supervisor.stop() == []
    assert (tmp_path / "ids.stopped").exists()


def test_a_part_that_does_not_listen_is_killed_with_its_children(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    supervisor.grace_seconds = 0.2
    supervisor.start(part(DEAF, str(tmp_path / "ids"), name="deaf one"))
    processes = processes_of(tmp_path / "ids")
    assert supervisor.stop() == ["deaf one"]
    assert eventually(lambda: not any(map(alive, processes)))


def test_what_a_crashed_part_leaves_behind_goes_too(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start(part(PATIENT, str(tmp_path / "ids")))
    crashed, grandchild = processes_of(tmp_path / "ids")
    os.kill(crashed, signal.SIGKILL)
    with pytest.raises(PartEnded):
        supervisor.watch()
    supervisor.stop()
    assert eventually(lambda: not alive(grandchild))


def test_a_stop_while_a_part_is_being_started_reaches_it(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start(part(PATIENT, str(tmp_path / "ids")))
    supervisor.stop()
    if (tmp_path / "ids").exists():
        assert [one for one in processes_of(tmp_path / "ids") if alive(one)] == []


def test_the_parts_stop_when_their_starter_is_killed_hard(tmp_path: Path, repository: Path) -> None:
    starter = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time\n"
            "from apps.server.supervisor import Part, Supervisor\n"
            "Supervisor().start(Part('example', sys.argv[1:]))\n"
            "time.sleep(60)",
            *part(PATIENT, str(tmp_path / "ids")).command,
        ],
        cwd=repository,
    )
    processes = processes_of(tmp_path / "ids")
    starter.kill()
    starter.wait()
    assert eventually(lambda: not any(map(alive, processes)))
    assert (tmp_path / "ids.stopped").exists()
