"""Files that are made for one download: prepared as a whole, then sent with their length and digest.

A file goes to a temporary one first. So it is of one moment of the record however slow the other end is, an
error is an error page and no half file, the browser knows the length and notices a download that was cut, and
memory does not grow with it. It is gone when it has been sent.
"""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Callable
from typing import IO, cast

from django.http import FileResponse, HttpRequest, HttpResponse
from django.utils.http import content_disposition_header

from apps.exports.downloads import note_file
from apps.exports.writing import Written
from apps.reports.models import Subject

from .access import Access

IN_MEMORY = 1_000_000  # bytes: smaller files never see the disk


def file_answer(
    request: HttpRequest, make: Callable[[IO[bytes]], Written], *, filename: str, media_type: str
) -> HttpResponse:
    """What `make` writes, as a download. HEAD is answered without making it."""
    if request.method == "HEAD":
        return HttpResponse(content_type=media_type)
    file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  # the answer closes a large one
    try:
        written = make(file)
        file.seek(0)
        answer: HttpResponse | FileResponse
        if written.size <= IN_MEMORY:
            answer = HttpResponse(file.read(), content_type=media_type)
            answer["Content-Disposition"] = content_disposition_header(True, filename) or "attachment"
            file.close()
        else:
            answer = FileResponse(file, as_attachment=True, filename=filename, content_type=media_type)
    except BaseException:
        file.close()
        raise
    answer["Content-Length"] = str(written.size)
    digest = base64.b64encode(bytes.fromhex(written.sha256)).decode()
    answer["Repr-Digest"] = f"sha-256=:{digest}:"  # RFC 9530
    return cast(HttpResponse, answer)  # what views return; one that streams is its own class to Django


def note_taken(
    request: HttpRequest,
    access: Access,
    file: str,
    *,
    subject: Subject | None = None,
    number: int | None = None,
) -> None:
    """Note that a member took a file that a page made; with HEAD nobody takes anything."""
    if request.method == "HEAD":
        return
    note_file(campaign=access.campaign, person=access.person, file=file, subject=subject, number=number)
