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
