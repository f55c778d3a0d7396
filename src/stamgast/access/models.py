"""Tables of access. Private to the room."""

from typing import ClassVar, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models


class Staff(AbstractBaseUser):
    """A person who works in the console, signed in by e-mail and password."""

    email = models.EmailField(unique=True)
    name = models.TextField()
    language = models.TextField(default="", help_text="empty where the browser decides")
    is_active = models.BooleanField(default=True)
    role = models.TextField()
    totp_secret = models.BinaryField(null=True, help_text="sealed with the secret of the installation")
    totp_step = models.BigIntegerField(null=True, help_text="the last half minute of which a code was taken")
    created_at = models.DateTimeField()

    objects: ClassVar[BaseUserManager[Self]] = BaseUserManager()
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    @property
    def has_second_factor(self) -> bool:
        """Whether signing in asks for a code as well."""
        return self.totp_secret is not None


class RecoveryCode(models.Model):
    """A code for who lost the telephone. Only its SHA-256 is kept; each opens the door once."""

    staff = models.ForeignKey(Staff, on_delete=models.CASCADE)
    digest = models.BinaryField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("staff", "digest"), name="recovery_code_once"),)


class Invitation(models.Model):
    """A link by which a person chooses a password, once and for two days. Only its SHA-256 is kept."""

    digest = models.BinaryField(primary_key=True)
    staff = models.ForeignKey(Staff, on_delete=models.CASCADE)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()


class Session(models.Model):
    """Where a person is signed in. Its row is what keeps Django's own session open, which holds the id."""

    id = models.UUIDField(primary_key=True)
    staff = models.ForeignKey(Staff, on_delete=models.CASCADE)
    started_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    address = models.TextField()
    agent = models.TextField()


class Policy(models.Model):
    """What an owner decided about signing in. One row at most."""

    id = models.SmallIntegerField(primary_key=True)
    second_factor_roles = ArrayField(models.TextField(), help_text="who needs a second factor")


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


class SavedView(models.Model):
    """What somebody keeps of the list of customers: its filters and columns, as its address has them. Own, or shared with all.

    What was searched for is none of it: that may be a person, whom an erasure would not find here.
    """

    id = models.UUIDField(primary_key=True)
    staff = models.ForeignKey(Staff, on_delete=models.CASCADE, help_text="whose it is; of a shared one, who made it")
    name = models.TextField()
    asked = models.JSONField()
    is_shared = models.BooleanField()
    changed_at = models.DateTimeField()
    changed_by = models.TextField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("staff", "name"), name="view_own_name", condition=models.Q(is_shared=False)),
            models.UniqueConstraint(fields=("name",), name="view_shared_name", condition=models.Q(is_shared=True)),
        )


class StartView(models.Model):
    """With which view somebody's list of customers begins."""

    staff = models.OneToOneField(Staff, on_delete=models.CASCADE, primary_key=True)
    view = models.ForeignKey(SavedView, on_delete=models.CASCADE)


class Trail(models.Model):
    """Who did what, when and why. Written in the transaction of the act itself."""

    id = models.UUIDField(primary_key=True)
    at = models.DateTimeField()
    actor = models.TextField()
    action = models.TextField()
    subject = models.TextField()
    detail = models.JSONField(default=dict)

    class Meta:
        indexes = (
            models.Index(fields=("at", "id"), name="trail_at"),
            models.Index(fields=("action", "at"), name="trail_action"),
        )
