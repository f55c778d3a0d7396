"""Tables of access. Private to the room."""

from typing import ClassVar, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models


class Staff(AbstractBaseUser):
    """A person who works in the console, signed in by e-mail and password."""

    email = models.EmailField(unique=True)
    name = models.TextField()
    language = models.TextField(default="en")
    is_active = models.BooleanField(default=True)
    role = models.TextField()
    created_at = models.DateTimeField()

    objects: ClassVar[BaseUserManager[Self]] = BaseUserManager()
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]


class ApiKey(models.Model):
    """A key for scripts. Only its SHA-256 is kept."""

    id = models.UUIDField(primary_key=True)
    name = models.TextField()
    digest = models.BinaryField(unique=True)
    hint = models.TextField()
    scopes = ArrayField(models.TextField())
    created_at = models.DateTimeField()
    created_by = models.TextField()
    revoked_at = models.DateTimeField(null=True)
    limit_per_minute = models.IntegerField()


class KeyUse(models.Model):
    """The bucket of a key. Apart from the key itself, because it is written with each request."""

    key_id = models.UUIDField(primary_key=True)
    tokens = models.FloatField()
    is_refused = models.BooleanField(help_text="whether the last request found no token")
    last_used_at = models.DateTimeField()


class Answer(models.Model):
    """The answer to a write that came with an Idempotency-Key, kept for a week. Written in the transaction of the write."""

    pk = models.CompositePrimaryKey("key_id", "name")
    key_id = models.UUIDField()
    name = models.TextField(help_text="what the script calls its write: the Idempotency-Key")
    fingerprint = models.BinaryField(help_text="SHA-256 of method, address and body")
    status = models.IntegerField(null=True)
    body = models.BinaryField(null=True)
    at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=("at",), name="answer_at"),)


class SignInAttempts(models.Model):
    """Attempts in a row of one account or from one address, so that guessing is slowed."""

    subject = models.TextField(primary_key=True, help_text="SHA-256 of the account or of the address")
    count = models.IntegerField()
    last_at = models.DateTimeField()
    open_at = models.DateTimeField(help_text="no attempt is taken before")


class Trail(models.Model):
    """Who did what, when and why. Written in the transaction of the act itself."""

    id = models.UUIDField(primary_key=True)
    at = models.DateTimeField()
    actor = models.TextField()
    action = models.TextField()
    subject = models.TextField()
    detail = models.JSONField(default=dict)
