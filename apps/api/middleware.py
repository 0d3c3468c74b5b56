"""What holds for all under /api/: whatever is refused is answered by a problem, and nothing is to be kept."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from .problems import MEDIA_TYPE, plain_problem

UNDER = "/api/"


class ProgramsMiddleware:
    """Stands around all that may answer with a page of HTML, Django's own error pages included."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The answer, made fit for a program where it is for one; its headers stay."""
        answer = self.get_response(request)
        if not request.path_info.startswith(UNDER):
            return answer
        if answer.status_code >= 400 and answer.get("Content-Type") != MEDIA_TYPE:
            of_a_page = answer
            answer = plain_problem(of_a_page.status_code)
            for name, value in of_a_page.items():
                if not name.startswith("Content-"):
                    answer[name] = value
        answer["Cache-Control"] = "no-store"
        return answer
