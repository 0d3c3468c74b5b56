"""A folder that holds exactly what was last written into it, and says so in a manifest.

Only what changed is written, each file under another name first, so that whoever reads meanwhile gets the one
before or the one after. What is no longer wanted is removed, but nothing that was not written from here.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

MANIFEST = "still-up-site.json"
VERSION = 1
_PART = ".still-up-part"

Content = bytes | Callable[[], bytes]
"""A file's bytes, or what makes them when they are needed."""


class UnusableFolder(ValueError):
    """A folder that cannot be written into. The message is a sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many files were written, were there already, and were removed."""

    written: int
    unchanged: int
    removed: int


def write_folder(folder: Path, files: Mapping[str, Content]) -> Outcome:
    """Make the folder hold these files, by their paths with `/`. Raises UnusableFolder before any change.

    1. Refuse a folder that holds something and has no manifest, and a file of somebody else's in the way.
    2. Write down in the manifest what is there and what will be, so that a run that is interrupted is known
       to have written what it wrote.
    3. Write what differs, pages after what they need, the first page last.
    4. Remove what is no longer wanted and is as it was written; then the manifest says what is there.
    """
    if folder.exists() and not folder.is_dir():
        raise UnusableFolder(f"{folder} is a file. Choose a folder.")
    before = _manifest(folder)
    _refuse_foreign(folder, files, before)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for part in folder.rglob(f"*{_PART}"):
            part.unlink()  # of a run that was interrupted
        sums = {path: list(known) for path, known in before.items()}
        for path in files:
            sums.setdefault(path, []).append(_sum(_bytes(files[path])))
        if sums.keys() != before.keys() or any(set(sums[path]) != set(before[path]) for path in sums):
            _write(folder / MANIFEST, _manifest_bytes(sums))
        written = sum(
            _write(folder / path, _bytes(files[path])) for path in sorted(files, key=_last_the_first)
        )
        removed = sum(_remove(folder, path, sums[path]) for path in sorted(sums.keys() - files.keys()))
        _write(folder / MANIFEST, _manifest_bytes({path: [sums[path][-1]] for path in files}))
    except OSError as error:
        raise UnusableFolder(f"Cannot write to {folder}: {error.strerror}.") from error
    return Outcome(written, len(files) - written, removed)


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


def _refuse_foreign(folder: Path, files: Mapping[str, Content], known: Mapping[str, object]) -> None:
    if folder.is_dir() and not (folder / MANIFEST).exists() and (there := sorted(folder.iterdir())):
        raise UnusableFolder(
            f"{folder} holds {there[0].name}, which was not written from here. Choose an empty folder."
        )
    for path in files:
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


def _bytes(content: Content) -> bytes:
    return content if isinstance(content, bytes) else content()


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _manifest_bytes(sums: Mapping[str, list[str]]) -> bytes:
    value = {"version": VERSION, "files": {path: sums[path] for path in sorted(sums)}}
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


def _write(place: Path, content: bytes) -> bool:
    """Put a file in place at once; False where it is there already, byte for byte."""
    try:
        if place.read_bytes() == content:
            return False
    except (FileNotFoundError, NotADirectoryError):
        place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_name(f".{place.name}{_PART}")
    with part.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(place)
    return True


def _remove(folder: Path, path: str, sums: list[str]) -> bool:
    """Remove a file that is as it was written, and the folders that it leaves empty."""
    place = folder / path
    if not place.is_file() or place.is_symlink() or _sum(place.read_bytes()) not in sums:
        return False
    place.unlink()
    for above in PurePosixPath(path).parents:
        try:
            if str(above) != ".":
                (folder / above).rmdir()
        except OSError:
            break  # something is left in it
    return True
