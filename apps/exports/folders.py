"""A folder that holds exactly what was last written into it, and says so in a manifest.

Files are put in place only when all of them are there, each at once, and only what changed: whoever reads
meanwhile gets the one before or the one after, and a failure on the way changes nothing. What is no longer
wanted is removed, but nothing that was not written from here.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from .writing import Progress

MANIFEST = "still-up-site.json"
VERSION = 1
STAGE = ".still-up-stage"
"""Where new files wait in the folder, until all of them are there."""

Content = Iterable[bytes]
"""A file's bytes in chunks. A file may be larger than the memory."""


class UnusableFolder(ValueError):
    """A folder that cannot be written into. The message is a sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many files were written, were there already, and were removed."""

    written: int
    unchanged: int
    removed: int


def write_folder(
    folder: Path, files: Iterable[tuple[str, Content]], *, progress: Progress | None = None
) -> Outcome:
    """Make the folder hold these files, by their paths with `/`. Raises UnusableFolder before any change.

    1. Refuse a folder that holds something and has no manifest.
    2. Take the files as they come, and keep aside what is not there yet; `progress` hears how many. Refuse
       one that has somebody else's file in its way. Up to here, a failure leaves the folder as it was.
    3. Write down in the manifest what is there and what will be, so that a run that is interrupted is known
       to have written what it wrote.
    4. Put in place what is new, pages after what they need, the first page last.
    5. Remove what is no longer wanted and is as it was written; then the manifest says what is there.
    """
    if folder.exists() and not folder.is_dir():
        raise UnusableFolder(f"{folder} is a file. Choose a folder.")
    before = _manifest(folder)
    _refuse_foreign(folder)
    try:
        with _stage(folder) as stage:
            taken: dict[str, str] = {}
            for path, content in files:
                _refuse_what_is_in_the_way(folder, path, before)
                taken[path] = _take(folder / path, content, stage / str(len(taken)))
                if progress is not None:
                    progress(len(taken))
            return _put(folder, stage, taken, before)
    except OSError as error:
        raise UnusableFolder(f"Cannot write to {folder}: {error.strerror}.") from error


@contextmanager
def _stage(folder: Path) -> Iterator[Path]:
    """An empty folder in the folder; afterwards neither it is there, nor a folder that holds nothing else."""
    stage = folder / STAGE
    above = [one for one in (folder, *folder.parents) if not one.exists()]
    if stage.exists():
        shutil.rmtree(stage)  # of a run that was interrupted
    stage.mkdir(parents=True)
    try:
        yield stage
    finally:
        shutil.rmtree(stage)
        with suppress(OSError):  # something is in it
            for one in above:
                one.rmdir()


def _take(place: Path, content: Content, aside: Path) -> str:
    """The SHA-256 of a file's content; it is kept aside, unless it stands in its place already."""
    digest = hashlib.sha256()
    with aside.open("wb") as stream:
        for chunk in content:
            stream.write(chunk)
            digest.update(chunk)
    if place.is_file() and _sum(place) == digest.hexdigest():
        aside.unlink()
    return digest.hexdigest()


def _put(folder: Path, stage: Path, taken: Mapping[str, str], before: Mapping[str, list[str]]) -> Outcome:
    """Put in place what was taken and is new, and remove what was there before and is not among it."""
    sums = {path: list(known) for path, known in before.items()}
    for path, digest in taken.items():
        sums.setdefault(path, []).append(digest)
    if sums.keys() != before.keys() or any(set(sums[path]) != set(before[path]) for path in sums):
        _write_manifest(folder, stage, sums)
    aside = {path: stage / str(number) for number, path in enumerate(taken)}
    new = [path for path in taken if aside[path].exists()]
    for path in sorted(new, key=_last_the_first):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        _move(aside[path], folder / path)
    removed = sum(_remove(folder, path, sums[path]) for path in sorted(sums.keys() - taken.keys()))
    _write_manifest(folder, stage, {path: [digest] for path, digest in taken.items()})
    return Outcome(len(new), len(taken) - len(new), removed)


def _manifest(folder: Path) -> dict[str, list[str]]:
    """The sums of each file that was written here; several after a run that was interrupted."""
    try:
        read = json.loads((folder / MANIFEST).read_bytes())
        return {str(path): list(map(str, sums)) for path, sums in read["files"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise UnusableFolder(
            f"{folder / MANIFEST} cannot be read. Empty the folder, or choose another one."
        ) from None


def _refuse_foreign(folder: Path) -> None:
    if folder.is_dir() and not (folder / MANIFEST).exists():
        there = sorted(one.name for one in folder.iterdir() if one.name != STAGE)
        if there:
            raise UnusableFolder(
                f"{folder} holds {there[0]}, which was not written from here. Choose an empty folder."
            )


def _refuse_what_is_in_the_way(folder: Path, path: str, known: Mapping[str, object]) -> None:
    place = folder / path
    in_the_way = path not in known and (place.exists() or place.is_symlink())
    above = [folder / above for above in PurePosixPath(path).parents if str(above) != "."]
    if in_the_way or any(one.is_symlink() or one.is_file() for one in above):
        raise UnusableFolder(
            f"{place} is in the way: it was not written from here. Move it, or choose another folder."
        )


def _last_the_first(path: str) -> tuple[bool, int, str]:
    """Pages after files, deep ones before those that lead to them."""
    return path.endswith(".html"), -path.count("/"), path


def _sum(place: Path) -> str:
    with place.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _write_manifest(folder: Path, stage: Path, sums: Mapping[str, list[str]]) -> None:
    value = {"version": VERSION, "files": {path: sums[path] for path in sorted(sums)}}
    content = (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()
    place, aside = folder / MANIFEST, stage / MANIFEST
    if place.exists() and place.read_bytes() == content:
        return
    aside.write_bytes(content)
    _move(aside, place)


def _move(part: Path, place: Path) -> None:
    """Put a file in place at once, whole even if the power goes out."""
    with part.open("rb") as stream:
        os.fsync(stream.fileno())
    part.replace(place)


def _remove(folder: Path, path: str, sums: list[str]) -> bool:
    """Remove a file that is as it was written, and the folders that it leaves empty."""
    place = folder / path
    if not place.is_file() or place.is_symlink() or _sum(place) not in sums:
        return False
    place.unlink()
    for above in PurePosixPath(path).parents:
        try:
            if str(above) != ".":
                (folder / above).rmdir()
        except OSError:
            break  # something is left in it
    return True
