"""Runs one command, and ends it when whoever started it is gone, however that happened.

Usage: lifeline.py DESCRIPTOR COMMAND...

DESCRIPTOR is the reading end of a pipe whose writing end only the starter holds. When the starter dies, even
by SIGKILL, the system closes that end, and the reading here returns. Works on every Unix, and for commands
that start processes of their own. A plain script that imports nothing of the project.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from types import FrameType

GRACE_SECONDS = 10.0  # between asking the command to stop and killing it, once the starter is gone


def main(descriptor: int, command: list[str]) -> int:
    """Run `command` to its end and return its exit code; one that was killed counts as 128 + the signal."""
    asked: list[int] = []
    child: subprocess.Popen[bytes] | None = None

    def pass_on(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        if child is not None:
            child.terminate()

    signal.signal(signal.SIGTERM, pass_on)
    signal.signal(signal.SIGINT, pass_on)
    child = subprocess.Popen(command)
    if asked:
        child.terminate()  # asked for while the command was being started
    threading.Thread(target=_end_with_starter, args=(descriptor, child), daemon=True).start()
    code = child.wait()
    return code if code >= 0 else 128 - code


def _end_with_starter(descriptor: int, child: subprocess.Popen[bytes]) -> None:
    os.read(descriptor, 1)  # nobody writes: it returns when the last writer is gone
    child.terminate()
    try:
        child.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(0, signal.SIGKILL)  # the starter gave this process a group of its own


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
