"""What answers mean for sites that nobody has described: inconclusive is never removed."""

# ruff: noqa: E501  (a row of a table stays on its line)
from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.checks.answer import Answer, Ask, Hop, Verdict
from apps.checks.observe import observe
from apps.checks.outcomes import REASONS_OF, Outcome, Reason
from apps.checks.siblings import Siblings
from apps.checks.verdict import judge, retry_after, sibling_facts
from apps.core.canonical import canonicalise
from apps.platforms.matching import match
from tests.checks.answering import MOMENT, Told, Web, beside, failing, page

URL = "https://example.org/list/an-item"
BESIDE = beside(URL)
HOME = "https://example.org/"
WORDS = "one two three four five six seven eight nine ten eleven twelve " * 20
ARTICLE = page("A fine thing", "A fine thing", WORDS)
SHELL = page("Example Site", "", "loading")
LOST = page("Page not found", "Oops", "we looked everywhere " * 10)
CLOUDFLARE = {"server": "cloudflare", "cf-ray": "0"}

ALONE = [
    # statuses
    (Told(404, "<h1>Not Found</h1>"), "removed not_found"),
    (Told(404, ""), "removed not_found"),
    (Told(404, "<h1>Not Found</h1>", CLOUDFLARE), "removed not_found"),
    (Told(404, "x", {"x-cache": "Error from cloudfront"}), "removed not_found"),
    (Told(404, "There isn't a GitHub Pages site here."), "removed hosting_gone"),
    (Told(410, ""), "removed gone definitive"),
    (Told(451, "<h1>Unavailable</h1>"), "removed legal definitive"),
    (Told(451, "<p>not available in your region</p>"), "restricted geo_blocked"),
    (Told(401, ""), "inconclusive login_wall"),
    (Told(403, "<h1>Forbidden</h1>"), "inconclusive forbidden"),
    (Told(403, "<h1>Forbidden</h1>", CLOUDFLARE), "inconclusive forbidden"),
    (page("Not found, removed, gone", status=403), "inconclusive forbidden"),
    (Told(429, ""), "inconclusive rate_limited"),
    (Told(408, ""), "inconclusive timeout"),
    (Told(500, "page not found"), "inconclusive server_error"),
    (Told(503, ""), "inconclusive server_error"),
    (Told(525, "", CLOUDFLARE), "inconclusive server_error"),
    (Told(200, ""), "inconclusive empty_answer"),
    (Told(204, ""), "inconclusive empty_answer"),
    (Told(206, "part"), "inconclusive unknown_answer"),
    (Told(302, "", {"location": "/elsewhere"}), "inconclusive unknown_answer"),
    (Told(304, ""), "inconclusive unknown_answer"),
    (Told(400, "x"), "inconclusive unknown_answer"),
    (Told(405, "x"), "inconclusive unknown_answer"),
    (Told(999, ""), "inconclusive bot_wall"),
    # transport
    *[(failing(reason), f"inconclusive {reason}") for reason in (
        Reason.TIMEOUT, Reason.DNS_FAILURE, Reason.TLS_FAILURE, Reason.REFUSED, Reason.PROTOCOL_ERROR,
        Reason.TOO_MANY_REDIRECTS, Reason.BLOCKED_ADDRESS, Reason.NOT_RECORDED)],
    # walls
    (Told(403, "", {"cf-mitigated": "challenge"}), "inconclusive bot_wall"),
    (Told(503, "window._cf_chl_opt={}", CLOUDFLARE), "inconclusive bot_wall"),
    (page("Just a moment..."), "inconclusive bot_wall"),
    (page("Attention Required! | Cloudflare", status=403, server="cloudflare"), "inconclusive bot_wall"),
    (Told(403, "<title>Access Denied</title>", {"server": "AkamaiGHost"}), "inconclusive bot_wall"),
    (Told(202, "", {"x-amzn-waf-action": "challenge"}), "inconclusive bot_wall"),
    (Told(405, "", {"x-amzn-waf-action": "captcha"}), "inconclusive bot_wall"),
    (Told(403, "x", {"server": "awselb/2.0"}), "inconclusive bot_wall"),
    (Told(403, "x", {"x-cache": "Error from cloudfront"}), "inconclusive bot_wall"),
    (Told(403, "x", {"x-datadome": "1"}), "inconclusive bot_wall"),
    (Told(403, "x", {"x-dd-b": "1"}), "inconclusive bot_wall"),
    (Told(403, "<script>window._pxAppId='x'</script>"), "inconclusive bot_wall"),
    (Told(200, "Incapsula incident ID: 1"), "inconclusive bot_wall"),
    (Told(200, "<script src='/_Incapsula_Resource?x'></script>"), "inconclusive bot_wall"),
    (Told(429, "x", {"x-kasada-challenge": "1"}), "inconclusive bot_wall"),
    (Told(403, "x", {"x-vercel-mitigated": "challenge"}), "inconclusive bot_wall"),
    (Told(200, '<script id="anubis_challenge" type="application/json"></script>'), "inconclusive bot_wall"),
    (page("DDoS-Guard", status=403), "inconclusive bot_wall"),
    (Told(403, "x", {"x-sucuri-block": "1"}), "inconclusive bot_wall"),
    (Told(403, "x", {"x-abcd1234-a": "1"}), "inconclusive bot_wall"),
    (page("Client Challenge"), "inconclusive bot_wall"),
    (Told(200, "<div class='h-captcha'></div>"), "inconclusive bot_wall"),
    (page("x", "Are you a robot?"), "inconclusive bot_wall"),
    (Told(200, "x", goes_to=("https://www.example.org/sorry/index",)), "inconclusive bot_wall"),
    (Told(200, "x", {"rimon": "rwc_block"}), "inconclusive network_block"),
    (page("Доступ ограничен"), "inconclusive network_block"),
    # doors
    (Told(200, "x", goes_to=("https://example.org/login?next=/list/an-item",)), "inconclusive login_wall"),
    (page("Log in", status=403), "inconclusive login_wall"),
    (page("x", "You must log in to continue"), "inconclusive login_wall"),
    (page("Before you continue to YouTube"), "inconclusive consent_wall"),
    (page("x", "This page is not available in your country"), "restricted geo_blocked"),
]  # fmt: skip


@pytest.mark.parametrize(("told", "expected"), ALONE)
@pytest.mark.parametrize("seen", [False, True], ids=["never seen", "seen"])
def test_an_answer_that_needs_no_comparison(told: Told, expected: str, seen: bool) -> None:
    web = Web({URL: told})
    assert outcome_of(URL, web, seen=seen) == expected
    assert web.asked == [URL]


WORDED = [
    (page("x", "This content is unavailable for legal reasons"), "legal"),
    (page("Video removed due to a copyright claim by somebody"), "legal"),
    (page("x", "It has been removed for violating the rules"), "platform_disabled"),
    (page("x", "This account has been suspended"), "account_suspended"),
    (page("Cuenta suspendida"), "account_suspended"),
    (page("example.org", "This domain is parked"), "parked"),
    (Told(200, "x", goes_to=("https://example.org/cgi-sys/suspendedpage.cgi",)), "hosting_gone"),
]


@pytest.mark.parametrize(("told", "reason"), WORDED)
def test_wording_of_a_removal_holds_only_for_what_was_seen(told: Told, reason: str) -> None:
    assert outcome_of(URL, Web({URL: told}), seen=True) == f"removed {reason}"
    assert outcome_of(URL, Web({URL: told}), seen=False) == "inconclusive missing_or_private"


COMPARED = [
    # the sibling is missing, as it should be
    (ARTICLE, Told(404), "available ok"),
    (page("How to fix “404 page not found”", "404 page not found", WORDS), Told(404), "available ok"),
    (page("A card", "Files", "this model has been removed and the account suspended. " + WORDS), Told(410), "available ok"),
    (Told(200, {"error": "not found"}), Told(404), "available ok"),
    (page("Fine", "Fine", WORDS, server="cloudflare", set_cookie="__cf_bm=1; datadome=1"), Told(404), "available ok"),
    (page("Fine", "Fine", WORDS + "<script src='/_Incapsula_Resource'></script><div class='g-recaptcha'></div>"), Told(404), "available ok"),
    # the sibling is there, too
    (ARTICLE, SHELL, "available ok"),
    (SHELL, SHELL, "inconclusive shell"),
    (LOST, LOST, "inconclusive soft_404; seen: removed soft_404"),
    (page("an-item: user not found", "", "nobody"), page(f"{BESIDE.rsplit('/')[-1]}: user not found", "", "nobody"), "inconclusive soft_404; seen: removed soft_404"),
    (page("Sorry", "Página no encontrada", "x"), page("Sorry", "Página no encontrada", "y"), "inconclusive soft_404; seen: removed soft_404"),
    (ARTICLE, LOST, "available ok"),
    (LOST, ARTICLE, "available ok"),
    (Told(200, b"\x89PNG\x00\x01", {"content-type": "image/png"}), SHELL, "available ok"),
    (Told(200, b"\x89PNG\x00\x01", {"content-type": "image/png"}), Told(200, b"\x89PNG\x00\x01", {"content-type": "image/png"}), "inconclusive shell"),
    # the sibling could not be told
    (ARTICLE, Told(503), "available ok"),
    (ARTICLE, Told(403, "", {"cf-mitigated": "challenge"}), "available ok"),
    (LOST, Told(429), "inconclusive shell"),
    (LOST, failing(Reason.TIMEOUT), "inconclusive shell"),
    (ARTICLE, failing(Reason.NOT_RECORDED), "inconclusive not_recorded"),
    # doors: a restriction proves the item only if an address that cannot exist has none
    (page("x", "Please confirm your age"), Told(404), "restricted age_wall"),
    (page("x", "Please confirm your age"), page("x", "Please confirm your age"), "inconclusive consent_wall"),
    (page("x", "This account is private"), Told(404), "restricted private"),
    (page("x", "This account is private"), Told(500), "inconclusive login_wall"),
]  # fmt: skip


@pytest.mark.parametrize(("told", "sibling", "expected"), COMPARED)
@pytest.mark.parametrize("seen", [False, True], ids=["never seen", "seen"])
def test_a_page_is_compared_with_an_address_that_cannot_exist(
    told: Told, sibling: Told, expected: str, seen: bool
) -> None:
    web = Web({URL: told, BESIDE: sibling})
    plain, _, when_seen = expected.partition("; seen: ")
    assert outcome_of(URL, web, seen=seen) == (when_seen if seen and when_seen else plain)
    assert web.asked == [URL, BESIDE]


@pytest.mark.parametrize(
    ("told", "sibling", "seen", "expected"),
    [
        (Told(200, "home", goes_to=(HOME,)), Told(200, "home", goes_to=(HOME,)), True, "removed redirected_home"),
        (Told(200, "home", goes_to=(HOME,)), Told(404), True, "inconclusive redirected_home"),
        (Told(200, "home", goes_to=(HOME,)), Told(200, "home", goes_to=(HOME,)), False, "inconclusive redirected_home"),
        (Told(200, "x", goes_to=("https://www.example.org/",)), Told(404), True, "inconclusive redirected_home"),
        (Told(200, "x", goes_to=("https://example.org/404",)), Told(200, "x", goes_to=("https://example.org/404",)), True, "removed soft_404"),
        (Told(200, "x", goes_to=("https://example.org/404",)), Told(404), True, "inconclusive soft_404"),
        (Told(200, WORDS, goes_to=("https://www.example.org/list/an-item",)), Told(404), True, "available ok"),
        (Told(200, WORDS, goes_to=("https://other.example.net/",)), Told(404), True, "available ok"),
    ],
)  # fmt: skip
def test_a_redirect_is_a_removal_only_if_nonsense_goes_the_same_way(
    told: Told, sibling: Told, seen: bool, expected: str
) -> None:
    assert outcome_of(URL, Web({URL: told, BESIDE: sibling}), seen=seen) == expected


def test_a_front_page_needs_no_comparison() -> None:
    web = Web({HOME: ARTICLE})
    assert outcome_of(HOME, web) == "available ok"
    assert web.asked == [HOME]
    assert outcome_of(HOME, Web({HOME: LOST}), seen=True) == "inconclusive soft_404"


def test_a_subject_in_the_query_is_compared_there() -> None:
    url = "https://example.org/watch?v=AbCdEf12345"
    web = Web({url: SHELL, beside(url): SHELL})
    assert outcome_of(url, web) == "inconclusive shell"
    assert web.asked[1].startswith("https://example.org/watch?v=")


# ------------------------------------------------------------------------------------------------- properties

HEADERS = st.dictionaries(
    st.sampled_from(["content-type", "server", "retry-after", "location", "x-datadome", "x-cache", "ratelimit",
                     "x-error-code", "x-error-message", "x-ratelimit-remaining", "x-ratelimit-reset", "link"]),
    st.one_of(st.text(max_size=30), st.sampled_from(["text/html", "application/json", "cloudflare", "GatedRepo", "0"])),
)  # fmt: skip
BODIES = st.one_of(
    st.binary(max_size=200),
    st.sampled_from([b"", b"{}", b"[]", b"null", b'{"disabled": true}', b'{"error": "x"}', b'[{"path": 1}]',
                     b"<title>404 page not found</title>", b"<h1>This account has been suspended</h1>",
                     b"[" * 5000, b"<" * 500, b"\xff\xfe<\x00"]),
)  # fmt: skip
TARGETS = st.sampled_from(
    [
        URL,
        HOME,
        "https://example.org/a?b=c",
        "https://huggingface.co/example-user/m",
        "https://huggingface.co/example-user/m/resolve/main/a",
        "https://huggingface.co/example-user",
        "https://civitai.com/models/7",
        "https://civitai.com/images/7",
        "https://github.com/example-owner/r",
        "https://github.com/example-owner/r/blob/main/a",
    ]
)
URLS = st.sampled_from([HOME, URL, "https://example.org/login", "http://[", "", "https://example.net/404"])


@st.composite
def answers_to(draw: st.DrawFn, ask: Ask) -> Answer:
    if draw(st.integers(0, 4)) == 0:
        failure = draw(st.sampled_from(sorted(REASONS_OF[Outcome.INCONCLUSIVE])))
        return Answer(ask, MOMENT, MOMENT, failure=failure, detail=draw(st.text(max_size=5)))
    status = draw(
        st.one_of(
            st.sampled_from([200, 301, 307, 401, 403, 404, 410, 429, 451, 500, 503]), st.integers(100, 999)
        )
    )
    return Answer(
        ask,
        MOMENT,
        MOMENT,
        status=status,
        url=draw(st.one_of(st.just(ask.url), URLS.filter(lambda url: url != "http://["))),
        hops=tuple(
            Hop(302, url) for url in draw(st.lists(URLS.filter(lambda url: url != "http://["), max_size=2))
        ),
        headers=draw(HEADERS),
        body=draw(BODIES),
        truncated=draw(st.booleans()),
    )


@given(st.data(), TARGETS, st.booleans())
def test_any_answer_has_a_verdict_and_a_failure_is_never_a_removal(
    data: st.DataObject, url: str, seen: bool
) -> None:
    found = match(canonicalise(url))
    answers: list[Answer] = []
    for _ in range(8):
        step = judge(found, answers, seen, wall=MOMENT)
        if isinstance(step, Verdict):
            break
        answers.append(data.draw(answers_to(step)))
    assert isinstance(step, Verdict), "it comes to an end"
    assert step.outcome == Outcome.INCONCLUSIVE or step.reason in REASONS_OF[step.outcome]
    decided = next(answer for answer in answers if answer.ask.name == step.probe)
    if step.outcome == Outcome.REMOVED:
        assert decided.failure is None
        assert decided.status not in {429, *range(500, 600)}
        assert decided.status != 403 or decided.headers.get("x-error-message")
    if step.definitive:
        assert step.outcome == Outcome.REMOVED
    assert step == judge(found, answers, seen, wall=MOMENT), "the same answers give the same verdict"


@given(st.data())
def test_any_sibling_can_be_read(data: st.DataObject) -> None:
    facts = sibling_facts(data.draw(answers_to(Ask("sibling", BESIDE))))
    assert facts.told or not facts.missing


@given(st.data(), st.sampled_from([403, 429, *range(500, 600)]))
def test_a_refusal_of_any_shape_is_never_removed_on_an_unknown_site(data: st.DataObject, status: int) -> None:
    ask = Ask("page", URL)
    answer = Answer(
        ask, MOMENT, MOMENT, status=status, url=URL, headers=data.draw(HEADERS), body=data.draw(BODIES)
    )
    verdict = judge(match(canonicalise(URL)), [answer], True, wall=MOMENT)
    assert isinstance(verdict, Verdict)
    assert verdict.outcome in {Outcome.INCONCLUSIVE, Outcome.RESTRICTED}


# ------------------------------------------------------------------------------------------------- Retry-After


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "120"}, 120),
        ({"retry-after": " 1.5 "}, 2),
        ({"retry-after": "Sun, 01 Mar 2026 12:05:00 GMT"}, 300),
        ({"retry-after": "999999999"}, 24 * 3600),
        ({"retry-after": "Sun, 01 Mar 2026 11:00:00 GMT"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Sun, 99 Mar 2026 11:00:00 GMT"}, None),
        ({"ratelimit": '"api";r=0;t=295'}, 295),
        ({"ratelimit": '"api";r=12;t=295'}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1772366460"}, 60),
        ({"x-ratelimit-remaining": "5", "x-ratelimit-reset": "1772366460"}, None),
        ({}, None),
    ],
)
def test_a_host_is_left_alone_for_as_long_as_it_says(headers: Mapping[str, str], seconds: int | None) -> None:
    answer = Answer(Ask("page", URL), MOMENT, MOMENT, status=429, url=URL, headers=headers)
    expected = None if seconds is None else MOMENT + timedelta(seconds=seconds)
    assert retry_after(answer, MOMENT) == expected
    verdict = judge(match(canonicalise(URL)), [answer], False, wall=MOMENT)
    assert isinstance(verdict, Verdict)
    assert verdict.retry_after == expected


def test_a_wait_counts_in_real_time_whatever_the_record_says() -> None:
    answer = Answer(Ask("page", URL), MOMENT, MOMENT, status=503, url=URL, headers={"retry-after": "60"})
    wall = datetime(2031, 1, 1, tzinfo=UTC)
    assert retry_after(answer, wall) == wall + timedelta(minutes=1)


def outcome_of(url: str, web: Web, *, seen: bool = False) -> str:
    verdict = observe(canonicalise(url), fetch=web, seen_available=seen, siblings=Siblings()).verdict
    return f"{verdict.outcome} {verdict.reason}{' definitive' if verdict.definitive else ''}"
