"""People who sign in. Nobody registers by themselves: an administrator invites."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models, transaction

from apps.core import clock


class PersonManager(BaseUserManager["Person"]):
    """Creates people by e-mail address."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> Person:
        """A person who can sign in; without `password` only by a one-time link."""
        if not email:
            raise ValueError("A person needs an e-mail address.")
        person = self.model(email=self.normalize_email(email).lower(), **fields)
        person.set_password(password)
        person.save(using=self._db)
        return person

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> Person:
        """An administrator: may see every campaign and manage people."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class Person(AbstractBaseUser, PermissionsMixin):
    """Somebody who signs in with an e-mail address."""

    email = models.EmailField("e-mail address", unique=True)
    name = models.CharField(max_length=150, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=clock.wall, editable=False)

    objects: ClassVar[PersonManager] = PersonManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name_plural = "people"

    def __str__(self) -> str:
        return self.name or self.email

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write it down. A new password, or being switched off, ends the API tokens in the same transaction.

        Whoever knew the old password may have made one. Django keeps `_password` until a new one is written,
        whichever way it came; it does not when it only hashes the same one anew.
        """
        is_new_password = self._password is not None  # type: ignore[attr-defined]
        if self._state.adding or (self.is_active and not is_new_password):
            super().save(*args, **kwargs)
            return
        with transaction.atomic():
            super().save(*args, **kwargs)
            self.end_api_tokens()

    @property
    def working_api_tokens(self) -> models.QuerySet[Any]:
        """The tokens that let programs in on their behalf, in any campaign, newest first."""
        now = clock.wall()
        return (
            self.api_tokens.filter(revoked_at=None, expires_at__gt=now)
            .select_related("campaign")
            .order_by("-pk")
        )

    def end_api_tokens(self) -> int:
        """Revoke their tokens in all campaigns; how many that were."""
        return self.api_tokens.filter(revoked_at=None).update(revoked_at=clock.wall())

    @property
    def has_never_been_here(self) -> bool:
        """Whether somebody was invited and has not come in yet. Never so for administrators."""
        return self.last_login is None and not self.has_usable_password() and not self.is_superuser
