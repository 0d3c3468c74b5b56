"""What each platform's answers mean, kind by kind: available, restricted, removed, or not to be told."""

# ruff: noqa: E501  (a row of a table stays on its line)
from __future__ import annotations

from collections.abc import Mapping

import pytest

from apps.checks.observe import observe
from apps.checks.outcomes import Reason
from apps.checks.siblings import Siblings
from apps.core.canonical import canonicalise
from tests.checks.answering import Told, Web, failing, page

HF = "https://huggingface.co"
HF_API = f"{HF}/api"
REFUSED = Told(
    401, {"error": "Invalid username or password."}, {"x-error-message": "Invalid username or password."}
)
GATED = Told(
    401, "", {"x-error-code": "GatedRepo", "x-error-message": "Access to this resource is restricted."}
)
DISABLED = Told(
    403,
    {"error": "Access to this resource is disabled."},
    {"x-error-message": "Access to this resource is disabled."},
)
NO_ENTRY = Told(404, "", {"x-error-code": "EntryNotFound"})
HF_404 = page("404 – Hugging Face", "404", "Sorry, we can't find the page you are looking for.", status=401)
LIMITED = Told(429, "", {"retry-after": "120"})
CHALLENGE = Told(
    403, "<title>Just a moment...</title>", {"cf-mitigated": "challenge", "server": "cloudflare"}
)

GH = "https://github.com"
GH_API = "https://api.github.com"
GH_404 = Told(404, {"message": "Not Found"})
EXHAUSTED = Told(
    403,
    {"message": "API rate limit exceeded"},
    {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1772370000"},
)

CV = "https://civitai.com"
CV_API = f"{CV}/api/v1"
RED_API = "https://civitai.red/api/v1"
CV_404 = Told(404, {"error": "No model with id 7"})

HF_MODEL = f"{HF}/example-user/m"
HF_MODEL_API = f"{HF_API}/models/example-user/m"
HF_FILE = f"{HF}/example-user/m/resolve/main/w/a.bin"
HF_LISTING = f"{HF_MODEL_API}/tree/main?recursive=true"
HF_FOLDER = f"{HF}/example-user/m/tree/main/w"
HF_FOLDER_API = f"{HF_MODEL_API}/tree/main/w"
HF_USER = f"{HF_API}/users/example-user/overview"
HF_GROUP = f"{HF_API}/organizations/example-user/overview"
UP = Told(200, {"id": "example-user/m", "private": False, "gated": False})

HUGGING_FACE = [
    # a repository
    (HF_MODEL, {HF_MODEL_API: UP}, "available ok"),
    (HF_MODEL, {HF_MODEL_API: Told(200, {"id": "New/m"}, goes_to=(f"{HF_API}/models/New/m",))}, "available renamed"),
    (HF_MODEL, {HF_MODEL_API: Told(200, {"id": "example-user/m", "gated": "manual"})}, "restricted gated"),
    (HF_MODEL, {HF_MODEL_API: Told(200, {"id": "example-user/m", "gated": "auto"})}, "restricted gated"),
    (HF_MODEL, {HF_MODEL_API: Told(200, {"id": "example-user/m", "private": True})}, "restricted private"),
    (HF_MODEL, {HF_MODEL_API: GATED}, "restricted gated"),
    (HF_MODEL, {HF_MODEL_API: Told(200, {"id": "example-user/m", "disabled": True})}, "removed platform_disabled definitive"),
    (HF_MODEL, {HF_MODEL_API: DISABLED}, "removed platform_disabled definitive"),
    (HF_MODEL, {HF_MODEL_API: REFUSED, HF_MODEL: HF_404}, "inconclusive missing_or_private; seen: removed not_found"),
    (HF_MODEL, {HF_MODEL_API: REFUSED, HF_MODEL: Told(401, "")}, "inconclusive missing_or_private; seen: removed not_found"),
    (HF_MODEL, {HF_MODEL_API: Told(404, "", {"x-error-code": "RepoNotFound"}), HF_MODEL: HF_404}, "inconclusive missing_or_private; seen: removed not_found"),
    (HF_MODEL, {HF_MODEL_API: REFUSED, HF_MODEL: page("x", "Access to this model has been disabled")}, "removed platform_disabled definitive"),
    (HF_MODEL, {HF_MODEL_API: REFUSED, HF_MODEL: Told(200, '<div data-target="RepoGatedModal"></div>')}, "restricted gated"),
    (HF_MODEL, {HF_MODEL_API: REFUSED, HF_MODEL: page("example-user/m · Hugging Face")}, "available ok"),
    (HF_MODEL, {HF_MODEL_API: REFUSED, HF_MODEL: page("Hugging Face")}, "inconclusive unknown_answer"),
    (HF_MODEL, {HF_MODEL_API: REFUSED, HF_MODEL: LIMITED}, "inconclusive rate_limited"),
    (HF_MODEL, {HF_MODEL_API: REFUSED, HF_MODEL: failing(Reason.TIMEOUT)}, "inconclusive timeout"),
    (HF_MODEL, {HF_MODEL_API: Told(401, "", {"x-error-message": "Invalid credentials in Authorization header"})}, "inconclusive checker_token"),
    (HF_MODEL, {HF_MODEL_API: LIMITED}, "inconclusive rate_limited"),
    (HF_MODEL, {HF_MODEL_API: Told(503, "")}, "inconclusive server_error"),
    (HF_MODEL, {HF_MODEL_API: Told(200, {"error": "try again"})}, "inconclusive unknown_answer"),
    (HF_MODEL, {HF_MODEL_API: Told(200, '{"id": "example-us')}, "inconclusive unknown_answer"),
    (HF_MODEL, {HF_MODEL_API: CHALLENGE}, "inconclusive bot_wall"),
    (HF_MODEL, {HF_MODEL_API: Told(200, "<title>Access denied</title>")}, "inconclusive unknown_answer"),
    # a model card that speaks of removal is no removal
    (HF_MODEL, {HF_MODEL_API: Told(200, {"id": "example-user/m", "cardData": {"text": "this model has been removed"}})}, "available ok"),
    (f"{HF}/datasets/example-user/d", {f"{HF_API}/datasets/example-user/d": Told(200, {"id": "example-user/d"})}, "available ok"),
    (f"{HF}/datasets/example-user/d", {f"{HF_API}/datasets/example-user/d": REFUSED, f"{HF}/datasets/example-user/d": page("x", "Access to this dataset has been disabled")}, "removed platform_disabled definitive"),
    (f"{HF}/spaces/example-user/s", {f"{HF_API}/spaces/example-user/s": Told(200, {"id": "example-user/s", "runtime": {"stage": "PAUSED"}})}, "available ok"),
    (f"{HF}/spaces/example-user/s", {f"{HF_API}/spaces/example-user/s": Told(200, {"id": "example-user/s", "runtime": {"stage": "DELETING"}})}, "inconclusive unknown_answer"),
    (f"{HF}/spaces/example-user/s", {f"{HF_API}/spaces/example-user/s": REFUSED, f"{HF}/spaces/example-user/s": HF_404}, "inconclusive missing_or_private; seen: removed not_found"),
    # a file
    (HF_FILE, {HF_FILE: Told(302, "", {"location": "https://cdn.example.org/x"})}, "available ok"),
    (HF_FILE, {HF_FILE: Told(307, "", {"location": "/api/resolve-cache/models/example-user/m/1/w/a.bin"})}, "available ok"),
    (HF_FILE, {HF_FILE: Told(307, "", {"location": "/other/m/resolve/main/w/a.bin"})}, "available renamed"),
    (HF_FILE, {HF_FILE: Told(200, "text")}, "available ok"),
    (HF_FILE, {HF_FILE: NO_ENTRY}, "removed not_found"),
    (HF_FILE, {HF_FILE: Told(404, "", {"x-error-code": "RevisionNotFound"})}, "inconclusive missing_or_private; seen: removed not_found"),
    (HF_FILE, {HF_FILE: GATED, HF_LISTING: Told(200, [{"path": "w"}, {"path": "w/a.bin"}])}, "restricted gated"),
    (HF_FILE, {HF_FILE: GATED, HF_LISTING: Told(200, [{"path": "w"}, {"path": "w/b.bin"}])}, "removed not_found"),
    (HF_FILE, {HF_FILE: GATED, HF_LISTING: Told(200, [])}, "removed not_found"),
    (HF_FILE, {HF_FILE: GATED, HF_LISTING: Told(200, [{"path": "w"}], {"link": '<https://x>; rel="next"'})}, "inconclusive unknown_answer"),
    (HF_FILE, {HF_FILE: GATED, HF_LISTING: Told(200, {"error": "x"})}, "inconclusive unknown_answer"),
    (HF_FILE, {HF_FILE: DISABLED}, "removed platform_disabled definitive"),
    (HF_FILE, {HF_FILE: REFUSED, HF_MODEL_API: Told(200, {"disabled": True})}, "removed platform_disabled definitive"),
    (HF_FILE, {HF_FILE: REFUSED, HF_MODEL_API: REFUSED, HF_MODEL: HF_404}, "inconclusive missing_or_private; seen: removed not_found"),
    (HF_FILE, {HF_FILE: REFUSED, HF_MODEL_API: UP}, "inconclusive unknown_answer"),
    (HF_FILE, {HF_FILE: LIMITED}, "inconclusive rate_limited"),
    # a folder
    (HF_FOLDER, {HF_FOLDER_API: Told(200, [{"path": "w/a.bin"}])}, "available ok"),
    (HF_FOLDER, {HF_FOLDER_API: Told(200, [])}, "inconclusive unknown_answer"),
    (HF_FOLDER, {HF_FOLDER_API: NO_ENTRY}, "removed not_found"),
    (HF_FOLDER, {HF_FOLDER_API: GATED}, "restricted gated"),
    (HF_FOLDER, {HF_FOLDER_API: REFUSED, HF_MODEL_API: REFUSED, HF_MODEL: HF_404}, "inconclusive missing_or_private; seen: removed not_found"),
    (HF_FOLDER, {HF_FOLDER_API: REFUSED, HF_MODEL_API: DISABLED}, "removed platform_disabled definitive"),
    # an account
    (f"{HF}/example-user", {HF_USER: Told(200, {"user": "example-user"})}, "available ok"),
    (f"{HF}/example-user", {HF_USER: Told(404, {}), HF_GROUP: Told(200, {"name": "example-user"})}, "available ok"),
    (f"{HF}/example-user", {HF_USER: Told(404, {}), HF_GROUP: Told(404, {})}, "removed not_found"),
    (f"{HF}/example-user", {HF_USER: Told(404, {}), HF_GROUP: LIMITED}, "inconclusive rate_limited"),
    (f"{HF}/example-user", {HF_USER: Told(401, {})}, "inconclusive login_wall"),
    # any other page
    (f"{HF}/example-user/m/discussions/3", {f"{HF}/example-user/m/discussions/3": HF_404}, "inconclusive missing_or_private; seen: removed not_found"),
]  # fmt: skip

CIVITAI = [
    (f"{CV}/models/7/name", {f"{CV_API}/models/7": Told(200, {"id": 7})}, "available ok"),
    (f"{CV}/models/7", {f"{CV_API}/models/7": Told(200, {"id": 7, "mode": None})}, "available ok"),
    (f"{CV}/models/7", {f"{CV_API}/models/7": Told(200, {"id": 8})}, "inconclusive unknown_answer"),
    (f"{CV}/models/7", {f"{CV_API}/models/7": Told(200, {"id": 7, "mode": "Archived"})}, "restricted archived"),
    (f"{CV}/models/7", {f"{CV_API}/models/7": Told(200, {"id": 7, "mode": "TakenDown"})}, "removed platform_disabled definitive"),
    (f"{CV}/models/7", {f"{CV_API}/models/7": Told(451, {"code": "REGION_BLOCKED"})}, "restricted geo_blocked"),
    (f"{CV}/models/7", {f"{CV_API}/models/7": Told(200, "x", goes_to=(f"{CV}/region-blocked",))}, "restricted geo_blocked"),
    (f"{CV}/models/7", {f"{CV_API}/models/7": Told(451, {"error": "x"})}, "removed legal definitive"),
    (f"{CV}/models/7", {f"{CV_API}/models/7": CV_404, f"{CV}/models/7": Told(404, ""), f"{RED_API}/models/7": CV_404}, "removed not_found"),
    (f"{CV}/models/7", {f"{CV_API}/models/7": CV_404, f"{CV}/models/7": Told(404, ""), f"{RED_API}/models/7": Told(200, {"id": 7})}, "available ok"),
    (f"{CV}/models/7", {f"{CV_API}/models/7": CV_404, f"{CV}/models/7": Told(404, ""), f"{RED_API}/models/7": Told(404, "")}, "inconclusive unknown_answer"),
    (f"{CV}/models/7", {f"{CV_API}/models/7": CV_404, f"{CV}/models/7": Told(404, ""), f"{RED_API}/models/7": CHALLENGE}, "inconclusive bot_wall"),
    (f"{CV}/models/7", {f"{CV_API}/models/7": CV_404, f"{CV}/models/7": Told(200, "x", goes_to=(f"{CV}/models/7/name",))}, "available ok"),
    (f"{CV}/models/7", {f"{CV_API}/models/7": CV_404, f"{CV}/models/7": page("Civitai")}, "inconclusive shell"),
    (f"{CV}/models/7", {f"{CV_API}/models/7": CV_404, f"{CV}/models/7": page("This resource has been removed by its owner")}, "removed uploader_deleted"),
    (f"{CV}/models/7", {f"{CV_API}/models/7": Told(400, {"error": "x"})}, "inconclusive unknown_answer"),
    (f"{CV}/images/9", {f"{CV_API}/images?imageId=9&nsfw=X&limit=1": Told(200, {"items": [{"id": 9}]})}, "available ok"),
    (f"{CV}/images/9", {f"{CV_API}/images?imageId=9&nsfw=X&limit=1": Told(200, {"items": []}), f"{RED_API}/images?imageId=9&nsfw=X&limit=1": Told(200, {"items": []})}, "inconclusive missing_or_private; seen: removed not_found"),
    (f"{CV}/images/9", {f"{CV_API}/images?imageId=9&nsfw=X&limit=1": Told(200, {"items": []}), f"{RED_API}/images?imageId=9&nsfw=X&limit=1": Told(200, {"items": [{"id": 9}]})}, "available ok"),
    (f"{CV}/images/9", {f"{CV_API}/images?imageId=9&nsfw=X&limit=1": Told(200, {"items": [{"id": 10}]})}, "inconclusive unknown_answer"),
    (f"{CV}/user/Ann", {f"{CV_API}/creators?query=Ann": Told(200, {"items": [{"username": "anna"}, {"username": "ann"}]})}, "available ok"),
    (f"{CV}/user/Ann", {f"{CV_API}/creators?query=Ann": Told(200, {"items": []}), f"{CV}/user/Ann/models": page("Civitai")}, "inconclusive shell"),
    (f"{CV}/user/Ann", {f"{CV_API}/creators?query=Ann": Told(200, {"items": [{"username": "anna"}]}), f"{CV}/user/Ann/models": page("x", "This user account has been banned due to a violation of Civitai's Terms of Service")}, "removed account_suspended definitive"),
    (f"{CV}/user/Ann", {f"{CV_API}/creators?query=Ann": Told(200, {"items": []}), f"{CV}/user/Ann/models": Told(404, "")}, "inconclusive missing_or_private; seen: inconclusive missing_or_private"),
]  # fmt: skip

REPO = f"{GH}/example-owner/r"
REPO_API = f"{GH_API}/repos/example-owner/r"
BLOB = f"{REPO}/blob/main/w/a.bin"
GIST = "https://gist.github.com/0123456789abcdef0123"
GIST_API = f"{GH_API}/gists/0123456789abcdef0123"
GITHUB = [
    (REPO, {REPO_API: Told(200, {"full_name": "example-owner/r"})}, "available ok"),
    (REPO, {REPO_API: Told(200, {"full_name": "other/r"}, goes_to=(f"{GH_API}/repositories/1",))}, "available renamed"),
    (REPO, {REPO_API: Told(451, {"message": "Repository access blocked", "block": {"reason": "dmca"}})}, "removed legal definitive"),
    (REPO, {REPO_API: Told(403, {"message": "Repository access blocked", "block": {"reason": "tos"}})}, "removed platform_disabled definitive"),
    (REPO, {REPO_API: GH_404}, "inconclusive missing_or_private; seen: removed not_found"),
    (REPO, {REPO_API: Told(403, {"message": "x"})}, "inconclusive forbidden"),
    (REPO, {REPO_API: Told(200, {"full_name": "x", "disabled": True})}, "inconclusive unknown_answer"),
    (REPO, {REPO_API: EXHAUSTED, REPO: page("r", "r")}, "available ok"),
    (REPO, {REPO_API: EXHAUSTED, REPO: Told(404, "")}, "inconclusive missing_or_private; seen: removed not_found"),
    (REPO, {REPO_API: EXHAUSTED, REPO: page("x", "Repository unavailable due to DMCA takedown.")}, "removed legal definitive"),
    (REPO, {REPO_API: EXHAUSTED, REPO: page("x", "Access to this repository has been disabled by GitHub Staff")}, "removed platform_disabled definitive"),
    (REPO, {REPO_API: Told(403, {"message": "You have exceeded a secondary rate limit"}), REPO: page("r")}, "available ok"),
    (REPO, {REPO_API: Told(500, "")}, "inconclusive server_error"),
    (BLOB, {BLOB: page("a.bin")}, "available ok"),
    (BLOB, {BLOB: Told(404, ""), REPO_API: Told(200, {"full_name": "example-owner/r"})}, "removed not_found"),
    (BLOB, {BLOB: Told(404, ""), REPO_API: Told(451, {})}, "removed legal definitive"),
    (BLOB, {BLOB: Told(404, ""), REPO_API: GH_404}, "inconclusive missing_or_private; seen: removed not_found"),
    (BLOB, {BLOB: Told(404, ""), REPO_API: EXHAUSTED, REPO: Told(404, "")}, "inconclusive missing_or_private; seen: removed not_found"),
    (BLOB, {BLOB: Told(404, ""), REPO_API: EXHAUSTED, REPO: page("GitHub - example-owner/r: x")}, "inconclusive missing_or_private; seen: removed not_found"),
    (BLOB, {BLOB: Told(404, ""), REPO_API: EXHAUSTED, REPO: page("x", "Repository unavailable due to DMCA takedown")}, "removed legal definitive"),
    (BLOB, {BLOB: Told(404, ""), REPO_API: EXHAUSTED, REPO: Told(429, "")}, "inconclusive rate_limited"),
    (BLOB, {BLOB: Told(429, "")}, "inconclusive rate_limited"),
    (BLOB, {BLOB: Told(404, ""), REPO_API: Told(502, "")}, "inconclusive server_error"),
    (GIST, {GIST_API: Told(200, {"id": "0123456789abcdef0123"})}, "available ok"),
    (GIST, {GIST_API: Told(451, {})}, "removed legal definitive"),
    (GIST, {GIST_API: GH_404}, "inconclusive missing_or_private; seen: removed not_found"),
    (GIST, {GIST_API: EXHAUSTED, GIST: page("gist")}, "available ok"),
    (f"{GH}/example-user", {f"{GH_API}/users/example-user": Told(200, {"login": "example-user"})}, "available ok"),
    (f"{GH}/example-user", {f"{GH_API}/users/example-user": GH_404}, "inconclusive missing_or_private; seen: removed not_found"),
    (f"{GH}/example-user", {f"{GH_API}/users/example-user": EXHAUSTED, f"{GH}/example-user": page("x")}, "available ok"),
    (f"{REPO}/issues/1", {f"{REPO}/issues/1": Told(404, "")}, "inconclusive missing_or_private; seen: removed not_found"),
]  # fmt: skip


@pytest.mark.parametrize(("url", "told", "expected"), HUGGING_FACE + CIVITAI + GITHUB)
@pytest.mark.parametrize("seen", [False, True], ids=["never seen", "seen"])
def test_an_answer_means(url: str, told: Mapping[str, Told], expected: str, seen: bool) -> None:
    plain, _, when_seen = expected.partition("; seen: ")
    web = Web(told)
    verdict = observe(canonicalise(url), fetch=web, seen_available=seen, siblings=Siblings()).verdict
    told_of = f"{verdict.outcome} {verdict.reason}{' definitive' if verdict.definitive else ''}"
    assert told_of == (when_seen if seen and when_seen else plain)
    assert web.asked == list(told), "it asks just what it needs, in this order"
    assert verdict.signal
