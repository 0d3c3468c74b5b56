"""Settings, all of them from the environment.

Each is typed and has its default here; a wrong value stops the start with a sentence that says what to
write instead. README.md has the same list for people who run the site.
"""

from __future__ import annotations

import ipaddress
import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from environs import Env, EnvError

BASE_DIR = Path(__file__).resolve().parent.parent
env = Env()


# ---------------------------------------------------------------------------------------------- where it runs

PRODUCTION = env.bool("PRODUCTION", False)
DEBUG = env.bool("DEBUG", False)
VAR_DIR = Path(env.str("VAR_DIR", str(BASE_DIR / "var")))
DEMO = env.bool("DEMO", False)


def _kept_secret_key() -> str:
    """A key that is made once and kept in `var/`, so that sessions outlive a restart on a laptop."""
    path = VAR_DIR / "secret_key"
    try:
        return path.read_text()
    except FileNotFoundError:
        pass
    except OSError as error:
        raise ImproperlyConfigured(f"Cannot read {path}: {error.strerror}. Set SECRET_KEY, or mend the file.") from error
    key = secrets.token_urlsafe(50)
    try:
        VAR_DIR.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(key)
    except OSError:
        # Whoever needs var/ says so in its own words (`serve` does); a command that only reads can go on.
        return key
    return key


SECRET_KEY = env.str("SECRET_KEY", "")
if not SECRET_KEY:
    if PRODUCTION:
        raise ImproperlyConfigured("SECRET_KEY is missing. Set it to 50 or more random characters.")
    SECRET_KEY = _kept_secret_key()

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", [] if PRODUCTION else ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", [])
SITE_URL = env.str("SITE_URL", "http://127.0.0.1:8000").rstrip("/")

# -------------------------------------------------------------------------------------------------- the clock

try:
    CLOCK_ORIGIN = env.datetime("CLOCK_ORIGIN", datetime(2026, 1, 1, tzinfo=UTC))
    CLOCK_SPEED = env.float("CLOCK_SPEED", 1.0)
except EnvError as error:
    raise ImproperlyConfigured(
        f"{error}. Write CLOCK_ORIGIN as 2026-01-31T12:00:00+00:00 and CLOCK_SPEED as a number."
    ) from error
if CLOCK_ORIGIN.tzinfo is None:
    raise ImproperlyConfigured("CLOCK_ORIGIN has no UTC offset. Write it as 2026-01-31T12:00:00+00:00.")
if not 1 <= CLOCK_SPEED <= 100_000:
    raise ImproperlyConfigured(f"CLOCK_SPEED is {CLOCK_SPEED:g}. Write a number from 1 (real time) to 100000.")
if PRODUCTION and CLOCK_SPEED != 1:
    raise ImproperlyConfigured("CLOCK_SPEED must be 1 in production: dates in the record have to be real.")
if PRODUCTION and DEMO:
    raise ImproperlyConfigured("DEMO cannot be on in production. Unset DEMO or PRODUCTION.")

# ------------------------------------------------------------------------------------------------- the checker

CHECK_TIMEOUT = env.float("CHECK_TIMEOUT", 20.0)  # seconds for one answer, redirects and all
CHECK_MAX_BYTES = env.int("CHECK_MAX_BYTES", 1_000_000)  # of a body, after decompression
CHECK_ALLOW_NETWORKS = [ipaddress.ip_network(n) for n in env.list("CHECK_ALLOW_NETWORKS", [])]
CHECK_ALLOW_PORTS = [int(p) for p in env.list("CHECK_ALLOW_PORTS", [])]
CHECK_HOST_INTERVAL = env.float("CHECK_HOST_INTERVAL", 1.0)  # seconds between two requests to one host
CHECK_HOST_CONCURRENCY = env.int("CHECK_HOST_CONCURRENCY", 2)
CHECK_CONCURRENCY = env.int("CHECK_CONCURRENCY", 16)  # threads of one checker, all hosts together
CHECK_PROXY = env.str("CHECK_PROXY", "")
CHECK_CA_BUNDLE = env.str("CHECK_CA_BUNDLE", "")
CHECK_CONTACT_URL = env.str("CHECK_CONTACT_URL", SITE_URL + "/checker/")

# ------------------------------------------------------------------------------------------------- the parts

DATABASE_URL = env.str("DATABASE_URL", "")
REDIS_URL = env.str("REDIS_URL", "")

INSTALLED_APPS = [
    "apps.core",
    "apps.accounts",
    "apps.platforms",
    "apps.checks",
    "apps.reports",
    "apps.metrics",
    "apps.exports",
    "apps.workspace",
    "apps.public",
    "apps.api",
    *(["apps.demo"] if DEMO else []),
    "apps.server",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "django_filters",
    "django_rq",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
AUTH_USER_MODEL = "accounts.Person"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "csp.middleware.CSPMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "apps.core.context_processors.record_clock",
            ],
        },
    }
]

# ------------------------------------------------------------------------------------ signing in, and the pages

AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "workspace:campaigns"
LOGOUT_REDIRECT_URL = "public:front"
ACCOUNT_ADAPTER = "apps.accounts.adapter.InvitedPeopleOnly"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "templates" / "static"]


def _database(url: str) -> dict[str, object]:
    if not url:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": VAR_DIR / ("demo.sqlite3" if DEMO else "stillup.sqlite3"),
            "OPTIONS": {
                # A writer takes its lock at the start: two writers wait for each other instead of failing.
                "transaction_mode": "IMMEDIATE",
                "timeout": 30,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            },
        }
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured(
            f"DATABASE_URL starts with {parts.scheme or 'nothing'}://. Write "
            "postgresql://user:password@host:5432/name, or leave it out for SQLite."
        )
    return dict(env.dj_db_url("DATABASE_URL", conn_max_age=60))


DATABASES = {"default": _database(DATABASE_URL)}
RQ_QUEUES = {"default": {"URL": REDIS_URL or "redis://127.0.0.1:6379/0", "DEFAULT_TIMEOUT": 600}}
TESTING = "pytest" in sys.modules
