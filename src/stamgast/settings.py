"""Django settings, all from the environment. Every variable is described in docs/settings.md and nowhere else."""

import hashlib
import os
from pathlib import Path

from stamgast.access.rules import LONGEST_SESSION
from stamgast.kit.configuration import read_configuration, with_prepared_statements

CONFIGURATION = read_configuration(os.environ)

ROOT = Path(__file__).parent
SECRET_KEY = CONFIGURATION.secret_key
SECRET_KEY_FALLBACKS = CONFIGURATION.secret_key_fallbacks
DEBUG = CONFIGURATION.debug
ALLOWED_HOSTS = CONFIGURATION.allowed_hosts
CSRF_TRUSTED_ORIGINS = CONFIGURATION.trusted_origins
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024

INSTALLED_APPS = (
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "stamgast.access",
    "stamgast.customers",
    "stamgast.duplicates",
    "stamgast.books",
    "stamgast.activities",
    "stamgast.ledger",
    "stamgast.traits",
    "stamgast.programmes",
    "stamgast.segments",
    "stamgast.webhooks",
    "stamgast.console",
)
AUTH_USER_MODEL = "access.Staff"
DATABASES = {"default": with_prepared_statements(CONFIGURATION.database)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

ROOT_URLCONF = "stamgast.urls"
ASGI_APPLICATION = "stamgast.asgi.application"
MIDDLEWARE = (
    "stamgast.kit.logs.log_requests",
    "stamgast.api.headers.add_headers",
    "stamgast.api.problems.answer_problems",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
)
TEMPLATES = (
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": (
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ),
            "string_if_invalid": "",
        },
    },
)

LANGUAGE_CODE = "en"
LANGUAGES = (("en", "English"), ("nl", "Nederlands"))
LOCALE_PATHS = (ROOT / "locale",)
TIME_ZONE = "UTC"
USE_TZ = True


def _digest_of(folder: Path) -> str:
    """Changes when any file in the folder does, so that browsers may keep what they have for ever."""
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{file.relative_to(folder)}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:12]


STATIC_SOURCE = ROOT / "console" / "static"
STATIC_URL = f"/static/{_digest_of(STATIC_SOURCE)}/"
CSRF_FAILURE_VIEW = "stamgast.console.views.problems.forbidden"
LOGIN_URL = "/sign-in"
LOGIN_REDIRECT_URL = "/"
PASSWORD_HASHERS = ("django.contrib.auth.hashers.Argon2PasswordHasher",)
AUTH_PASSWORD_VALIDATORS = (
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "name")},
    },
)
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = int(LONGEST_SESSION.total_seconds())
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = CONFIGURATION.is_https
SECURE_HSTS_SECONDS = 365 * 86400 if CONFIGURATION.is_https else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if CONFIGURATION.is_https else None
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ("'self'",),
        "img-src": ("'self'", "data:"),
        "style-src": ("'self'",),
        "script-src": ("'self'",),
        "object-src": ("'none'",),
        "frame-src": ("'none'",),
        "frame-ancestors": ("'none'",),
        "base-uri": ("'none'",),
        "form-action": ("'self'",),
    }
}
LOGGING_CONFIG = None
