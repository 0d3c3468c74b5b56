"""Settings, all of them from the environment.

Each is typed and has its default here; a wrong value stops the start with a sentence that says what to
write instead. README.md has the same list for people who run the site.
"""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from config import environment

BASE_DIR = Path(__file__).resolve().parent.parent

# ---------------------------------------------------------------------------------------------- where it runs

PRODUCTION = environment.switch("PRODUCTION")
DEBUG = environment.switch("DEBUG")
DEMO = environment.switch("DEMO")
VAR_DIR = Path(environment.text("VAR_DIR", str(BASE_DIR / "var"))).resolve()

if PRODUCTION and DEBUG:
    raise ImproperlyConfigured("DEBUG cannot be on in production: it shows settings to visitors. Unset it.")
if PRODUCTION and DEMO:
    raise ImproperlyConfigured("DEMO cannot be on in production. Unset DEMO or PRODUCTION.")


def _kept_secret_key() -> str:
    """A key that is made once and kept in `var/`, so that sessions outlive a restart on a laptop."""
    path = VAR_DIR / "secret_key"
    try:
        if kept := path.read_text().strip():
            return kept
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        raise ImproperlyConfigured(
            f"Cannot read {path}: {error.strerror}. Set SECRET_KEY, or make the file readable."
        ) from error
    key = secrets.token_urlsafe(50)
    try:
        VAR_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)  # the record will be there, too
        path.touch(mode=0o600)
        path.write_text(key)
    except OSError:
        # Whoever needs var/ says so in its own words (`serve` does); a command that only reads can go on.
        return key
    return key


SECRET_KEY = environment.secret("SECRET_KEY")
if PRODUCTION and len(SECRET_KEY) < 50:
    raise ImproperlyConfigured(
        f"SECRET_KEY {'is too short' if SECRET_KEY else 'is missing'}. Write 50 or more random characters."
    )
if not SECRET_KEY:
    SECRET_KEY = _kept_secret_key()

SITE_URL = environment.web_address("SITE_URL", "http://127.0.0.1:8000")
ALLOWED_HOSTS = environment.words(
    "ALLOWED_HOSTS",
    [] if PRODUCTION else ["localhost", "127.0.0.1", "[::1]"],
    example="still-up.example.org",
)
if PRODUCTION and not ALLOWED_HOSTS:
    raise ImproperlyConfigured(
        "ALLOWED_HOSTS is missing. Write the names that visitors use, separated by commas, for example "
        "still-up.example.org."
    )
if wrong := [host for host in ALLOWED_HOSTS if "/" in host or re.fullmatch(r"[^:\]]+:\d+|\[.*\]:\d+", host)]:
    raise ImproperlyConfigured(
        f"ALLOWED_HOSTS has '{wrong[0]}', which no request ever names. Write the name alone, without scheme, "
        "port and path: still-up.example.org."
    )
CSRF_TRUSTED_ORIGINS = environment.words(
    "CSRF_TRUSTED_ORIGINS", [], example="https://still-up.example.org,https://www.example.org"
)
if wrong := [origin for origin in CSRF_TRUSTED_ORIGINS if "://" not in origin]:
    raise ImproperlyConfigured(
        f"CSRF_TRUSTED_ORIGINS has '{wrong[0]}'. Write it with its scheme: https://{wrong[0]}."
    )

# A proxy in front of the site ends TLS and sets X-Forwarded-For and X-Forwarded-Proto itself. Without one,
# these headers are a visitor's own words and are not believed.
BEHIND_PROXY = environment.switch("BEHIND_PROXY")

# -------------------------------------------------------------------------------------------------- the clock

LONGEST_SIMULATION = timedelta(days=36_525)
CLOCK_ORIGIN = environment.moment("CLOCK_ORIGIN", datetime(2026, 1, 1, tzinfo=UTC))
CLOCK_ORIGIN_IS_SET = bool(environment.text("CLOCK_ORIGIN", ""))
CLOCK_SPEED = environment.number(
    "CLOCK_SPEED", 1, least=1, most=100_000, unit="simulated seconds in a real second"
)
if PRODUCTION and CLOCK_SPEED != 1:
    raise ImproperlyConfigured("CLOCK_SPEED must be 1 in production: dates in the record have to be real.")
if CLOCK_ORIGIN_IS_SET and (CLOCK_SPEED - 1) * abs(datetime.now(UTC) - CLOCK_ORIGIN) > LONGEST_SIMULATION:
    raise ImproperlyConfigured(
        f"CLOCK_ORIGIN is too far away for a clock that runs {CLOCK_SPEED:g} times faster: it would be off "
        "by more than a century. Write a CLOCK_ORIGIN close to now."
    )

# ------------------------------------------------------------------------------------------------ the checker

# Seconds for one answer, redirects and all.
CHECK_TIMEOUT = environment.number("CHECK_TIMEOUT", 20, least=0.1, most=600, unit="seconds")
# Of one body, after decompression.
CHECK_MAX_BYTES = environment.whole_number(
    "CHECK_MAX_BYTES", 1_000_000, least=1_000, most=100_000_000, unit="bytes"
)
# Non-public networks that may be asked all the same, and ports beside 80, 443, 8080 and 8443.
CHECK_ALLOW_NETWORKS = environment.networks("CHECK_ALLOW_NETWORKS")
CHECK_ALLOW_PORTS = environment.ports("CHECK_ALLOW_PORTS")
# Seconds between two requests to one host, and requests to it at one time; a definition may say otherwise.
CHECK_HOST_INTERVAL = environment.number("CHECK_HOST_INTERVAL", 1, least=0, most=3600, unit="seconds")
CHECK_HOST_CONCURRENCY = environment.whole_number(
    "CHECK_HOST_CONCURRENCY", 2, least=1, most=100, unit="requests"
)
# Threads of one checker, for all hosts together.
CHECK_CONCURRENCY = environment.whole_number("CHECK_CONCURRENCY", 16, least=1, most=500, unit="threads")
CHECK_ONE_CORE = environment.switch("CHECK_ONE_CORE", default=True)
CHECK_PROXY = environment.address_of_service(
    "CHECK_PROXY",
    schemes={"http", "https"},
    example="http://proxy.example.org:3128",
    without="to ask directly",
)
CHECK_CA_BUNDLE = environment.existing_file("CHECK_CA_BUNDLE")
# Name servers that are asked why a name did not resolve; None: the system's own. At least two, of different
# operators, are needed to believe that a name does not exist.
CHECK_NAME_SERVERS = environment.name_servers("CHECK_NAME_SERVERS")
# What people call the place that this checker looks from: what it sees of a geo-block is seen from there.
CHECK_PLACE = environment.text("CHECK_PLACE", "")
CHECK_CONTACT_URL = environment.web_address("CHECK_CONTACT_URL", SITE_URL + "/checker/")
# Shown on /checker/ to those who receive the checker's requests.
CHECK_CONTACT_EMAIL = environment.text("CHECK_CONTACT_EMAIL", "")

# Checks that say what those around them say are folded away after so many days; 0: never.
CHECK_KEEP_DAYS = environment.whole_number("CHECK_KEEP_DAYS", 0, least=0, most=36_500, unit="days")
if 0 < CHECK_KEEP_DAYS < 60:
    raise ImproperlyConfigured(
        "CHECK_KEEP_DAYS is too small: public pages that tell months look back by two. Write 60 or more, "
        "or 0 to keep all checks."
    )

# PLATFORM_TOKEN_<SLUG>: a read-only token for a platform whose API tells more to a signed-in reader.
PLATFORM_TOKENS = environment.secrets_by_slug("PLATFORM_TOKEN_")
# Folders with definitions of further platforms.
PLATFORM_DEFINITION_DIRS = environment.folders("PLATFORM_DEFINITION_DIRS")
if DEMO and not PLATFORM_DEFINITION_DIRS:
    PLATFORM_DEFINITION_DIRS = [BASE_DIR / "apps" / "demo" / "definitions"]

# -------------------------------------------------------------------------------------------------- the parts

DATABASE_URL = environment.address_of_service(
    "DATABASE_URL",
    schemes={"postgres", "postgresql"},
    example="postgresql://user:password@host:5432/name",
    without="for SQLite in var/",
)
REDIS_URL = environment.address_of_service(
    "REDIS_URL",
    schemes={"redis", "rediss", "unix"},
    example="redis://host:6379/0",
    without="to check without a queue",
)

# Whoever has it may read /metrics from anywhere; without one only this machine may.
METRICS_TOKEN = environment.secret("METRICS_TOKEN")
if METRICS_TOKEN and len(METRICS_TOKEN) < 20:
    raise ImproperlyConfigured("METRICS_TOKEN is too short. Write 20 or more random characters.")


def _database() -> dict[str, Any]:
    if DATABASE_URL:
        database = dj_database_url.parse(DATABASE_URL, conn_max_age=60, conn_health_checks=True)
        database.setdefault("OPTIONS", {}).setdefault("connect_timeout", 10)  # seconds
        return dict(database)
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": VAR_DIR / ("demo.sqlite3" if DEMO else "stillup.sqlite3"),
        "CONN_MAX_AGE": 60,  # seconds; to open the file anew takes longer than most of what is asked of it
        "OPTIONS": {
            # A writer takes its lock at the start: two writers wait for each other instead of failing.
            "transaction_mode": "IMMEDIATE",
            "timeout": 30,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
    }


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
_QUEUE = {"URL": REDIS_URL or "redis://127.0.0.1:6379/0", "DEFAULT_TIMEOUT": 600}
# Workers take from "tick" first, so that the hand-out of work never waits behind the work.
RQ_QUEUES = {"tick": _QUEUE, "default": _QUEUE}
# Checkers that `serve` starts, or workers where there is a queue. A process uses one core.
CHECK_PROCESSES = environment.whole_number(
    "CHECK_PROCESSES", 2 if REDIS_URL else 1, least=1, most=64, unit="processes"
)
# Web servers that `serve` starts. Only a queue's Redis lets them count attempts to sign in and requests of
# tokens together.
WEB_PROCESSES = environment.whole_number(
    "WEB_PROCESSES", 2 if REDIS_URL else 1, least=1, most=64, unit="processes"
)
if WEB_PROCESSES > 1 and not REDIS_URL:
    raise ImproperlyConfigured(
        f"WEB_PROCESSES is {WEB_PROCESSES}, but without Redis each would count attempts to sign in on "
        "its own. Set REDIS_URL as well, or leave WEB_PROCESSES out."
    )
# How long a worker that says nothing any more keeps a host to itself.
CHECK_LEASE_SECONDS = environment.whole_number("CHECK_LEASE_SECONDS", 120, least=2, most=3600, unit="seconds")
# Seconds between two looks for due targets, where django-rq's scheduler does the looking.
CHECK_TICK_SECONDS = environment.whole_number("CHECK_TICK_SECONDS", 10, least=1, most=3600, unit="seconds")
# A public page is not looked up again within so many seconds of the last time, in each process: however many
# readers come, the database is asked once a second for a campaign. A withdrawal takes as long to be seen.
PUBLIC_LOOK_SECONDS = 1.0 if PRODUCTION else 0.0
CACHES = {
    # Counts attempts to sign in; with Redis all processes of the site count together. In a process's own
    # memory no pages are kept beside the counts, and there is room for many: when it is full, the oldest go.
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    if REDIS_URL
    else {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
    # Public pages, rendered.
    "pages": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "pages",
    }
    if REDIS_URL
    else {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "pages",
        "OPTIONS": {"MAX_ENTRIES": 300},
    },
    # Figures of large campaigns, for a while; in the process, because only it should read what it pickled.
    "kept": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "kept",
        "OPTIONS": {"MAX_ENTRIES": 100},
    },
}

INSTALLED_APPS = [
    "apps.core",
    "apps.accounts",
    "apps.platforms",
    "apps.checks",
    "apps.reports",
    "apps.metrics",
    "apps.exports",
    "apps.notifications",
    "apps.health",
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
    "allauth.mfa",
    "allauth.usersessions",
    "csp",
    "django_filters",
    "django_rq",
]

MIDDLEWARE = [
    "apps.core.request_ids.RequestIds",
    # First what every answer has, static files, redirects to HTTPS and refusals of a wrong host among them.
    "apps.core.answers.safe_headers",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "apps.api.middleware.ProgramsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "apps.core.answers.bounded_requests",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "apps.accounts.middleware.SecondFactorMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-gb"
# Of the public pages; the workspace is in English.
LANGUAGES = [("en-gb", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "locale", BASE_DIR / "locale" / "registries"]

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

# Hashed names need a folder that `collectstatic` has filled; `serve` fills it in production. Elsewhere the
# files are served from where they lie, under their own names.
STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static" if PRODUCTION else None
STATICFILES_DIRS = [BASE_DIR / "templates" / "static"]
WHITENOISE_USE_FINDERS = not PRODUCTION
WHITENOISE_ALLOW_ALL_ORIGINS = False
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

# ----------------------------------------------------------------------------------- people who sign in, mail

AUTH_USER_MODEL = "accounts.Person"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
PASSWORD_RESET_TIMEOUT = 24 * 60 * 60  # seconds; of one-time sign-in links, too
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "workspace:campaigns"
ACCOUNT_ADAPTER = "apps.accounts.adapter.InvitedPeopleOnly"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # an administrator typed the address; nobody registers by themselves
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
# Sign-ins that failed: from one address, and for one e-mail address or one person's codes. The other limits
# are allauth's own, all of them by the minute.
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,5/5m/key"}
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if BEHIND_PROXY else 0

# Nobody without a second factor gets further than the pages for setting one up.
REQUIRE_MFA = environment.switch("REQUIRE_MFA")
MFA_ADAPTER = "apps.accounts.mfa_adapter.EncryptedSecrets"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True  # an administrator typed the address
MFA_FORMS = {
    "activate_totp": "apps.accounts.forms.FirstCodeForm",
    "add_webauthn": "apps.accounts.forms.AddPasskeyForm",
    "authenticate": "apps.accounts.forms.SignInCodeForm",
    "edit_webauthn": "apps.accounts.forms.RenamePasskeyForm",
    "reauthenticate": "apps.accounts.forms.ConfirmCodeForm",
}

# Of one API token; with Redis all processes count together, else each by itself.
API_REQUESTS_A_MINUTE = environment.whole_number(
    "API_REQUESTS_A_MINUTE", 300, least=1, most=1_000_000, unit="requests"
)

DEFAULT_FROM_EMAIL = environment.text("DEFAULT_FROM_EMAIL", "still-up@localhost")
_MAIL = environment.mail_settings("EMAIL_URL")
globals().update(_MAIL)
SENDS_MAIL = "EMAIL_HOST" in _MAIL
# Whoever's password or second factors were changed hears of it. Mails that only go to the log help nobody.
ACCOUNT_EMAIL_NOTIFICATIONS = SENDS_MAIL

# --------------------------------------------------------------------------------------- what browsers may do

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
    }
}
X_FRAME_OPTIONS = "DENY"
# A pasted list may have 5,000,000 characters, and a character four bytes. Files are measured by themselves.
DATA_UPLOAD_MAX_MEMORY_SIZE = 25_000_000  # bytes
LARGEST_UPLOAD_BYTES = 50_000_000  # of a file; a request that is much larger is not read
SECURE_CONTENT_TYPE_NOSNIFF = True
# Other sites do not learn which page a reader came from. Not "no-referrer": with it browsers send our own
# forms with "Origin: null" (Fetch Standard, "append a request Origin header"), as they send forged ones.
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = PRODUCTION
# What watches the site from the same machine asks without TLS.
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = PRODUCTION
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
# The prefix makes browsers refuse a cookie of that name from another host of the same domain (RFC 6265bis).
SESSION_COOKIE_NAME = "__Host-session" if PRODUCTION else "sessionid"
SESSION_COOKIE_SECURE = PRODUCTION
SESSION_COOKIE_AGE = 14 * 24 * 60 * 60  # seconds
CSRF_COOKIE_NAME = "__Host-csrf" if PRODUCTION else "csrftoken"
CSRF_COOKIE_SECURE = PRODUCTION
CSRF_COOKIE_HTTPONLY = True
# To be in the browsers' preload list is a decision about a whole registrable domain, not about this site.
SILENCED_SYSTEM_CHECKS = ["security.W021"]

# ---------------------------------------------------------------------------------------------------- the log

DEFAULT_EXCEPTION_REPORTER_FILTER = "config.logs.HiddenSettings"
# "line" for people, "json" for programs that collect logs.
LOG_FORMAT = environment.choice("LOG_FORMAT", "line", among=("line", "json"))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "route": {"()": "config.logs.RouteInsteadOfPath"},
        "request": {"()": "config.logs.WithRequestId"},
    },
    "formatters": {
        "line": {
            "()": "config.logs.WithoutAddresses",
            "format": "%(asctime)s %(levelname)s %(name)s%(of_request)s: %(message)s",
        },
        "json": {"()": "config.logs.JsonLines"},
    },
    "handlers": {
        "log": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["route", "request"]}
    },
    "root": {"handlers": ["log"], "level": "INFO"},
    "loggers": {
        # Django's own handler would write requests a second time, with their paths.
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
        "fido2": {"level": "WARNING"},  # would name each new passkey
        "rq.worker": {"handlers": [], "level": "WARNING", "propagate": True},
        "rq.cron": {"handlers": [], "level": "WARNING", "propagate": True},
        # What a host answered is the check's evidence; urllib3 would name the address.
        "urllib3": {"level": "ERROR"},
    },
}
