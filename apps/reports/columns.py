"""Which of a file's columns is which of ours, guessed from the headers and corrected by people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .rows import COLUMNS

# What lists call these columns, squeezed to letters and digits, the likeliest first. Words that mean too much
# ("status", "type", "description") are left to people: a wrong guess rejects rows.
_SYNONYMS: Mapping[str, str] = {
    "url": """url urls link links address webaddress uri href permalink reportedurl urlreported reportedlink
        contenturl itemurl pageurl modelurl posturl targeturl weblink submittedurl gemeldeteurl adresse lien
        enlace""",
    "reported_at": """reportedat reported reportedon datereported reportdate reporteddate reporttime sentat
        sent senton datesent sentdate submittedat submittedon datesubmitted submissiondate notifiedat
        dateofreport gemeldetam gemeldet meldedatum date timestamp datum""",
    "platform": "platform platformname reportedto hostingservice plattform",
    "channel": "channel reportingchannel reportchannel sentvia reportedvia via kanal",
    "standing": "standing reporterstanding reporterrole reportertype reportedas",
    "category": "category reportcategory violation violationtype abusetype harmtype kategorie",
    "reference": """reference referencenumber refno ref ticket ticketid ticketnumber caseid casenumber
        reportid aktenzeichen""",
    "labels": "labels label tags tag keywords schlagworte",
    "note": "note notes comment comments remark remarks notiz bemerkung",
    "control": "control iscontrol controlgroup",
    "attested": "attested accessiblewhenreported upwhenreported",
    "available_at": "availableat lastavailable lastseen lastseenat lastseenavailable seenonline",
    "outcome": "outcome observedoutcome finding",
    "reason": "reason outcomereason",
    "removed_at": """removedat removed removedon dateremoved removaldate removeddate takedowndate takendownat
        takendownon takendown deletedat goneat gelöschtam""",
    "observed_at": "observedat observedon checkedat checkedon datechecked lastchecked",
}


class UnusableMapping(ValueError):
    """A column mapping that does not fit the file. `str()` is a sentence for people."""


def guess_columns(headers: Sequence[str]) -> dict[str, str]:
    """Our column to the file's header, for every column that a header seems to name; each header once.

    An exact name of ours goes before every synonym, so that a file which has both keeps its meaning.
    """
    squeezed = {header: _squeezed(header) for header in headers}
    guessed: dict[str, str] = {}
    for exact in (True, False):
        for column, synonyms in _SYNONYMS.items():
            if column in guessed:
                continue
            for synonym in synonyms.split()[: 1 if exact else None]:
                found = [h for h in headers if squeezed[h] == synonym and h not in guessed.values()]
                if found:
                    guessed[column] = found[0]
                    break
    return {column: guessed[column] for column in COLUMNS if column in guessed}


def check_mapping(mapping: Mapping[str, str], headers: Sequence[str]) -> dict[str, str]:
    """The mapping with each header spelt as in the file, and without columns that map to nothing.

    Raises UnusableMapping for a column that is not ours, a header that the file lacks or has twice, a header
    that is used twice, and a mapping without `url`.
    """
    checked: dict[str, str] = {}
    for column, wanted in mapping.items():
        if column not in COLUMNS:
            raise UnusableMapping(f"There is no column “{column}” here. Choose from: {', '.join(COLUMNS)}.")
        if wanted.strip():
            checked[column] = _header(wanted, headers)
    for column, header in checked.items():
        others = [other for other, used in checked.items() if used == header and other != column]
        if others:
            raise UnusableMapping(f"The file's column “{header}” cannot be both {column} and {others[0]}.")
    if "url" not in checked:
        raise UnusableMapping(
            f"None of the file's columns ({_listed(headers)}) is mapped to url: say which one holds the URLs."
        )
    return {column: checked[column] for column in COLUMNS if column in checked}


def _header(wanted: str, headers: Sequence[str]) -> str:
    wanted = wanted.strip()
    found = [header for header in headers if header == wanted] or [
        header for header in headers if header.casefold() == wanted.casefold()
    ]
    if not found:
        raise UnusableMapping(f"The file has no column “{wanted}”. It has: {_listed(headers)}.")
    if len(found) > 1:
        raise UnusableMapping(f"The file has more than one column “{wanted}”: rename one of them.")
    return found[0]


def _listed(headers: Sequence[str]) -> str:
    return ", ".join(header or "(no name)" for header in headers)


def _squeezed(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())
