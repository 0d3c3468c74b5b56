"""What makes a campaign public, or private again. Each decision is kept, with who made it and when."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction

from apps.accounts.models import Person
from apps.reports.activity import Told, Word, record
from apps.reports.models import Campaign, Deed

from .models import Publication, PublicSnapshot
from .published import CHARTS
from .snapshots import in_force, save_snapshot

MAX_TITLE = 200
MAX_TEXT = 5_000


class UnusablePublication(ValueError):
    """What cannot be published so. The message is a sentence for people."""


def draft_of(campaign: Campaign) -> Publication:
    """The last decision's choices, whatever it decided; before the first one, all charts and no item rows."""
    last = Publication.objects.filter(campaign=campaign).select_related("campaign").order_by("-pk").first()
    if last is not None:
        return last
    return Publication(
        campaign=campaign,
        act=Publication.Act.SAVED,
        title=campaign.name,
        charts=[name for name, choice in CHARTS.items() if choice.default],
    )


def save_draft(
    *,
    campaign: Campaign,
    person: Person | None,
    title: str,
    text: str,
    charts: Collection[str],
    platforms: str,
    reports: bool,
    items: bool,
    dates: str,
) -> Publication:
    """Keep choices without making anything public. Raises UnusablePublication."""
    title, text = title.strip(), text.strip()
    if not title:
        raise UnusablePublication("A public page needs a title.")
    if len(title) > MAX_TITLE or len(text) > MAX_TEXT:
        raise UnusablePublication(
            f"A title has at most {MAX_TITLE} characters, and the text for the public {MAX_TEXT}."
        )
    if unknown := set(charts) - set(CHARTS):
        raise UnusablePublication(f"There is no chart {min(unknown)!r}. Charts: {', '.join(CHARTS)}.")
    if platforms not in Publication.Platforms.values or dates not in Publication.Dates.values:
        raise UnusablePublication("Choose how platforms and dates are shown.")
    with transaction.atomic():
        before = draft_of(Campaign.objects.select_for_update().get(pk=campaign.pk))
        draft = Publication.objects.create(
            campaign=campaign,
            act=Publication.Act.SAVED,
            title=title,
            text=text,
            charts=[name for name in CHARTS if name in charts],
            platforms=platforms,
            reports=reports,
            items=items,
            dates=dates,
            person=person,
        )
        was, became = _choices(before), _choices(draft)
        changed = [name for name in became if was[name] != became[name]]
        record(
            Deed.CHOICES_SAVED,
            person=person,
            campaign=campaign,
            was={name: was[name] for name in changed},
            became={name: became[name] for name in changed},
            hidden=[name for name in ("title", "text") if getattr(before, name) != getattr(draft, name)],
        )
    return draft


def _choices(publication: Publication) -> dict[str, Told]:
    """What of a decision the activity log may tell: all but the words for the public."""
    return {
        "charts": [Word(name) for name in publication.charts],
        "platforms": Publication.Platforms(publication.platforms),
        "reports": publication.reports,
        "items": publication.items,
        "dates": Publication.Dates(publication.dates),
    }


@transaction.atomic
def publish(*, campaign: Campaign, person: Person | None, seen: int | None = None) -> Publication:
    """Make the last saved choices public. Raises UnusablePublication where there are none.

    `seen` is the decision that somebody looked at: if another was made since, by another owner or in another
    window, theirs is not what they mean to publish, and nothing is.
    """
    locked = Campaign.objects.select_for_update().get(pk=campaign.pk)
    draft = draft_of(locked)
    if draft.pk is None:
        raise UnusablePublication("Save what is to be public first, and look at it.")
    if seen is not None and seen != draft.pk:
        raise UnusablePublication(
            "Nothing was published: since you loaded this page, somebody saved other choices, published or "
            "withdrew. This is how it stands now. Look at the preview, then publish."
        )
    publication = _decided(draft, Publication.Act.PUBLISHED, person)
    save_snapshot(publication)
    record(Deed.PUBLISHED, person=person, campaign=campaign, became=_choices(publication))
    return publication


@transaction.atomic
def withdraw(*, campaign: Campaign, person: Person | None) -> Publication | None:
    """Make a campaign private again: all of its public addresses answer 404 within PUBLIC_LOOK_SECONDS.

    Caches in front may go on for as long as their answers allow. None where it was not public.
    """
    locked = Campaign.objects.select_for_update().get(pk=campaign.pk)
    publication = in_force(locked)
    if publication is None:
        return None
    PublicSnapshot.objects.filter(campaign=locked).delete()
    record(Deed.WITHDRAWN, person=person, campaign=campaign)
    return _decided(draft_of(locked), Publication.Act.WITHDRAWN, person)


def _decided(draft: Publication, act: Publication.Act, person: Person | None) -> Publication:
    return Publication.objects.create(
        campaign=draft.campaign,
        act=act,
        title=draft.title,
        text=draft.text,
        charts=draft.charts,
        platforms=draft.platforms,
        reports=draft.reports,
        items=draft.items,
        dates=draft.dates,
        person=person,
    )
