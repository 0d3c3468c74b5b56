"""Where commands write files to: standard output, or a file that is whole or not there."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import current_thread, main_thread
from typing import BinaryIO, NoReturn

from django.core.management.base import CommandError, OutputWrapper
from tqdm import tqdm

from apps.exports.writing import Progress


class BytesOf:
    """A command's output, for bytes of UTF-8 that end with whole characters."""

    def __init__(self, output: OutputWrapper) -> None:
        self._output = output

    def write(self, content: bytes) -> int:
        """Write the text as it is, without a line end of its own."""
        self._output.write(content.decode(), ending="")
        return len(content)

    def flush(self) -> None:
        """Write out what waits."""
        self._output.flush()


@contextmanager
def file_or_output(out: Path | None) -> Iterator[BinaryIO]:
    """Standard output, or a file that is put in place once it is whole. Raises CommandError.

    Whoever is stopped by SIGTERM leaves no part of it behind: it would be as secret as the whole.
    """
    if out is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with _ended_in_order():
        yield from _file(out)


def _file(out: Path) -> Iterator[BinaryIO]:
    try:
        file, name = tempfile.mkstemp(prefix=f".{out.name}-", suffix=".part", dir=out.parent)
    except OSError as error:
        raise CommandError(f"Cannot write to {out}: {error.strerror}.") from error
    part = Path(name)
    try:
        with os.fdopen(file, "w+b") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        part.chmod(0o600)  # it may hold what only members may see
        part.replace(out)
        _settle(out.parent)
    except OSError as error:
        raise CommandError(f"Cannot write to {out}: {error.strerror}.") from error
    finally:
        with suppress(FileNotFoundError):
            part.unlink()


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """Let SIGTERM end the process as an exception does, unless something else is to be done at it already."""
    if signal.getsignal(signal.SIGTERM) != signal.SIG_DFL or current_thread() is not main_thread():
        yield
        return

    def end(*_: object) -> NoReturn:
        raise SystemExit(128 + signal.SIGTERM)

    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _settle(folder: Path) -> None:
    """Let the new name outlast a loss of power, too."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


@contextmanager
def bar(what: str, total: int | None, unit: str) -> Iterator[Progress]:
    """A progress bar on a terminal, and nothing elsewhere."""
    with tqdm(
        total=total, desc=what, unit=unit, file=sys.stderr, disable=not sys.stderr.isatty(), leave=False
    ) as shown:

        def to(done: int) -> None:
            shown.update(done - shown.n)

        yield to
