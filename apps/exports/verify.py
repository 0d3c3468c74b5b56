"""Does this evidence hold? Run it with: python3 verify.py

It needs Python 3.8 or newer and nothing else, asks no network, and changes nothing. It works out again, from
the files beside it, the digest of every check, and says what holds and the first thing of each URL that does
not. Read it: it is short on purpose.

The digest of a check is the SHA-256 of its content as JSON, with sorted keys and no spaces. The content names
the digest of the check before it. So nobody can change, drop or insert a check without changing every digest
after it, the last one (the head) too. Compare the heads with those that were published or handed over
earlier: that is what shows that the whole chain is as it was then.

Of checks that are no longer kept ("folded") only the digests are there. They can only be missing between two
checks that said the same, and that are no farther apart than half of the time for which the URL had said it,
at most 30 days.
"""

from __future__ import annotations

import hashlib
import json
import sys
from datetime import datetime, timedelta
from pathlib import Path

LONGEST = timedelta(days=30)
SAID = ("outcome", "reason", "definitive", "manual", "signal", "http_status")
moment = datetime.fromisoformat


def sha256(text: str) -> str:
    """The SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def canonical(content: object) -> str:
    """A value as JSON in the one form that is hashed."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def said(content: dict) -> list:  # type: ignore[type-arg]
    """All that a check said."""
    return [*(content[name] for name in SAID), content["evidence"].get("identity", "")]


class Chain:
    """The checks of one URL, one after the other."""

    def __init__(self, target: dict) -> None:  # type: ignore[type-arg]
        self.target = target
        self.number = 0
        self.folded = 0
        self.gap = 0  # the number of the first of those that are not kept, until the check after them is read
        self.before: dict = {}  # type: ignore[type-arg]  # the last check that is there
        self.since: dict = {}  # type: ignore[type-arg]  # the first of those up to it that said the same
        self.head = ""
        self.left = ""
        self.problem = ""

    def add(self, check: dict) -> None:  # type: ignore[type-arg]
        """Judge the next check; after the first that does not hold, none is looked at."""
        if self.problem:
            return
        if "folded" in check:
            self.skip(check["folded"])
            return
        content = check["content"]
        number = content["number"]
        if number != self.number + 1:
            self.problem = f"check {self.number + 1} is missing"
        elif self.erasure and content["evidence"] != {"erased": True}:
            self.problem = f"check {number} holds what was erased"
        elif not self.erasure and sha256(canonical(content)) != check["digest"]:
            self.problem = f"check {number} is not what its digest was made for"
        elif content["previous"] != self.head:
            self.problem = f"check {number} does not follow the check before it"
        elif content["target"] != self.target["commitment"]:
            self.problem = f"check {number} is of another URL"
        elif check.get("note") and sha256(check["note_salt"] + check["note"]) != content["note"]:
            self.problem = f"check {number} has another note than its digest was made for"
        elif self.gap and not self.erasure and not self.can_be_folded(content):
            self.problem = f"check {self.gap} is missing: it cannot be one of those that are no longer kept"
        if self.problem:
            return
        if not self.before or said(content) != said(self.before):
            self.since = content
        self.before, self.gap = content, 0
        kept = {name: value for name, value in content.items() if name != "evidence"}
        self.left = sha256(canonical({**kept, "digest": check["digest"], "left": self.left}))
        self.number, self.head = number, check["digest"]

    @property
    def erasure(self) -> dict:  # type: ignore[type-arg]
        """What was erased of it, when and why; empty where nothing was."""
        return self.target.get("erasure", {})  # type: ignore[no-any-return]

    def skip(self, folded: dict) -> None:  # type: ignore[type-arg]
        """Go on over checks that are no longer kept: the check after them names the last of their digests."""
        if folded["first"] != self.number + 1 or not folded["digests"] or self.gap:
            self.problem = f"check {self.number + 1} is missing"
            return
        self.gap = self.number + 1
        self.folded += len(folded["digests"])
        self.number += len(folded["digests"])
        self.head = folded["digests"][-1]

    def can_be_folded(self, after: dict) -> bool:  # type: ignore[type-arg]
        """Whether the checks between the last one that is there and `after` may be missing."""
        before, since = self.before, self.since
        if not before or after["manual"] or said(before) != said(after):
            return False
        start, end = moment(before["finished_at"]), moment(after["finished_at"])
        longest = min((start - moment(since["started_at"])) / 2, LONGEST)
        return start <= moment(after["started_at"]) and end - start <= longest

    def end(self) -> str:
        """What does not hold, or "" if everything does."""
        target = self.target
        if self.problem:
            return self.problem
        if self.gap:
            return f"check {self.number + 1} is missing: it says what those before it had said"
        if self.erasure:
            return self.end_of_erased()
        if sha256(target["salt"] + target["url"]) != target["commitment"]:
            return "the URL is not the one that the checks are of"
        if (self.number, self.head) != (target["checks"], target["head"]):
            return f"check {self.number + 1} is missing: the head names a later one"
        return ""

    def end_of_erased(self) -> str:
        """The same where the URL was erased: is what is left of the checks as the erasure left it?"""
        content = self.erasure["content"]
        if (self.number, self.head) != (content["checks"], content["head"]):
            return "a check is missing, or there are more than were erased"
        if self.left != content["left"]:
            return "a check is not what the erasure left of it"
        if content["erasure_of"] != self.target["commitment"] or content["fault"]:
            return content["fault"] or "the erasure is of another URL"
        if not sha256(canonical(content)) == self.erasure["digest"] == self.target["head"]:
            return "the erasure is not what its digest was made for"
        return ""


def chains(folder: Path) -> list[Chain]:
    """Every URL's chain, with its checks read. Raises ValueError with a sentence for a broken line."""
    found = {}
    for _, target in lines(folder / "targets.jsonl"):
        found[target["target"]] = Chain(target)
    for number, check in lines(folder / "checks.jsonl"):
        try:
            found[check["target"]].add(check)
        except (KeyError, TypeError) as error:
            raise ValueError(f"Line {number} of checks.jsonl lacks or misnames {error}.") from error
    return list(found.values())


def lines(file: Path):  # type: ignore[no-untyped-def]
    """The number and the value of each line of a file of JSON lines."""
    with file.open(encoding="utf-8", newline="\n") as opened:
        for number, line in enumerate(opened, start=1):
            try:
                yield number, json.loads(line)
            except ValueError as error:
                raise ValueError(f"Line {number} of {file.name} cannot be read: {error}.") from error


def changed_files(folder: Path) -> list[str]:
    """The files that are not the ones that SHA256SUMS names."""
    changed = []
    for line in (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines():
        digest, name = line.split("  ", 1)
        file = folder / name
        if not file.exists():
            changed.append(f"{name} is missing")
        elif hashlib.sha256(file.read_bytes()).hexdigest() != digest:
            changed.append(f"{name} was changed")
    return changed


def main(folder: Path) -> int:
    """Print what holds; 0 if everything does, 1 if not."""
    try:
        found = chains(folder)
        changed = changed_files(folder)
    except (OSError, ValueError, KeyError) as error:
        sys.stdout.write(f"DOES NOT HOLD: {error}\n")
        return 1
    wrong = 0
    for chain in found:
        name, problem = chain.target["url"] or f"target {chain.target['target']}", chain.end()
        wrong += bool(problem)
        if problem:
            sys.stdout.write(f"DOES NOT HOLD: {name}: {problem}\n")
        elif chain.erasure:
            at = chain.erasure["content"]["at"]
            sys.stdout.write(f"erased: {name}: {chain.number} checks, as they were left at {at}\n")
        else:
            kept = f" ({chain.folded} of them no longer kept)" if chain.folded else ""
            sys.stdout.write(f"holds: {name}: {chain.number} checks{kept}, head {chain.head or 'none'}\n")
    for change in changed:
        sys.stdout.write(f"DOES NOT HOLD: {change}\n")
    if wrong or changed:
        return 1
    sys.stdout.write("Everything holds.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent))
