"""Settings of the service: the only reader of the environment.

Every variable is described in `.env.example`. A missing or unsafe value stops the start
with a sentence that says what to do (see also `drf_oms.checks`).
"""

from datetime import timedelta
from pathlib import Path

import environ
from corsheaders.defaults import default_headers
from redis.backoff import NoBackoff
from redis.retry import Retry

from drf_oms.database_urls import database
from drf_oms.log_formats import known

BASE_DIR = Path(__file__).resolve().parent.parent
STATE_DIR = BASE_DIR / "var"

env = environ.Env()
if (BASE_DIR / ".env").is_file():
    env.read_env(BASE_DIR / ".env")


def secret(name: str) -> str:
    """The variable, or the content of the file that NAME_FILE names; empty without either."""
    file = env.str(f"{name}_FILE", default="")
    return Path(file).read_text().strip() if file else env.str(name, default="")


# --- The service ---------------------------------------------------------------------------

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="django-insecure-unset")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[])

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",  # its templates before the admin's; without it the admin looks plain
    "drf_oms.apps.BackOfficeConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "knox",
    "corsheaders",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "drf_oms.apps.CompositionConfig",
    "accounts",
    "orders",
    "routers",
]

MIDDLEWARE = [
    "drf_oms.request_id.RequestIdMiddleware",
    "drf_oms.access.AccessMiddleware",
    "corsheaders.middleware.CorsMiddleware",  # before all that answers: errors are for browsers too
    "drf_oms.health.HealthMiddleware",  # before anything that looks at the Host header
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.locale.LocaleMiddleware",  # Accept-Language
    "django.middleware.common.CommonMiddleware",
    "routers.middleware.RoutingMiddleware",
    "drf_oms.pages.PagesMiddleware",  # sessions and the like, for /admin and /ops alone
]
# The admin looks for them by name; they are inside of PagesMiddleware.
SILENCED_SYSTEM_CHECKS = ["admin.E408", "admin.E409", "admin.E410"]

ROOT_URLCONF = "drf_oms.urls"
WSGI_APPLICATION = "drf_oms.wsgi.application"
APPEND_SLASH = False  # every route answers with and without the slash

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# --- Databases -----------------------------------------------------------------------------

DATABASES = {"default": database(env.str("DATABASE_URL"))}
for number, url in enumerate(env.list("REPLICA_URLS", default=[]), start=1):
    DATABASES[f"replica{number}"] = {**database(url), "TEST": {"MIRROR": "default"}}
for alias, place in DATABASES.items():
    place |= {
        "ENGINE": "routers.mysql",
        "CONN_MAX_AGE": 600,
        # A write is not made twice, so its connection is tried first. A read is: see routers.middleware.
        "CONN_HEALTH_CHECKS": alias == "default",
        "OPTIONS": {"charset": "utf8mb4", "connect_timeout": 1, **place.get("OPTIONS", {})},
    }

# Who waits longer than this for a row gives up, and is tried again (orders.transactions). MySQL's own 50 s
# would hold a thread of the service for all that time.
DATABASES["default"]["OPTIONS"].setdefault(
    "init_command", f"SET SESSION innodb_lock_wait_timeout = {env.int('LOCK_WAIT_SECONDS', default=3)}"
)

DATABASE_ROUTERS = ["routers.router.PrimaryReplicaRouter"]
ROUTERS = {
    "REPLICAS": [alias for alias in DATABASES if alias != "default"],
    "GATE_READS": env.bool("GATE_READS", default=True),
    "WAIT_BUDGET_MS": env.int("WAIT_BUDGET_MS", default=20),
    "MAX_LAG_SECONDS": env.float("MAX_LAG_SECONDS", default=10),
    "PRIMARY_WAIT_SECONDS": env.float("PRIMARY_WAIT_SECONDS", default=3),
    "FALL_BACK_READS_PER_SECOND": env.float("FALL_BACK_READS_PER_SECOND", default=0) or None,
    # For the commands that change servers; the service itself does without.
    "ADMIN_USER": env.str("ADMIN_USER", default="root"),
    "ADMIN_PASSWORD": secret("ADMIN_PASSWORD"),
    "REPLICATION_USER": env.str("REPLICATION_USER", default="oms_repl"),
    "REPLICATION_PASSWORD": secret("REPLICATION_PASSWORD"),
    "EXPOSE_DATABASE_HEADER": env.bool("EXPOSE_DATABASE_HEADER", default=False),
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# "default" holds write positions: all worker processes must share it, on several hosts a Redis or Valkey.
# "local" holds throttles; it does without a server, so that nobody is locked out when that one is down.
CACHES = {
    name: {
        "BACKEND": "routers.sqlitecache.SQLiteCache",
        "LOCATION": env.str("CACHE_FILE", default=str(STATE_DIR / "cache.sqlite3")),
        "KEY_PREFIX": name,
    }
    for name in ("default", "local")
}
if cache_url := env.str("CACHE_URL", default=""):
    CACHES["default"] = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": cache_url,
        # Bounded milliseconds, and no second try: without the store, the primary answers.
        "OPTIONS": {
            "socket_timeout": 0.05,
            "socket_connect_timeout": 0.05,
            "retry": Retry(NoBackoff(), retries=0),
        },
    }

# --- Members and their tokens --------------------------------------------------------------

AUTH_USER_MODEL = "accounts.Member"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "accounts.validators.CharacterClassesValidator"},
]
# knox's default: migrations that refer to it ask for it by name.
KNOX_TOKEN_MODEL = "knox.AuthToken"  # noqa: S105 - a model's name
REST_KNOX = {"TOKEN_TTL": timedelta(hours=env.int("TOKEN_TTL_HOURS", default=10))}

# Wrong passwords: how many in a row cost no time, and the longest wait (seconds) by email and by address.
LOGIN_BACKOFF = {
    "FREE_FAILURES": env.int("LOGIN_FREE_FAILURES", default=5),
    "EMAIL_SECONDS": env.float("LOGIN_EMAIL_SECONDS", default=60),
    "ADDRESS_SECONDS": env.float("LOGIN_ADDRESS_SECONDS", default=900),
}

# --- Mails ---------------------------------------------------------------------------------

vars().update(env.email_url("EMAIL_URL", default="consolemail://"))
EMAIL_TIMEOUT = env.int("EMAIL_TIMEOUT", default=10)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="orders@localhost")

# Behind "#", which browsers send to nobody: what opens a password stands in no log of a server.
PUBLIC_URL = env.str("PUBLIC_URL", default="http://127.0.0.1:8080").rstrip("/")
PASSWORD_RESET_URL = env.str(
    "PASSWORD_RESET_URL", default=f"{PUBLIC_URL}/auth/password/reset/confirm#uid={{uid}}&token={{token}}"
)
PASSWORD_RESET_TIMEOUT = env.int("PASSWORD_RESET_TIMEOUT", default=3600)  # seconds, as is the next
EMAIL_VERIFICATION_URL = env.str(
    "EMAIL_VERIFICATION_URL",
    default=f"{PUBLIC_URL}/auth/email/verification/confirm#uid={{uid}}&token={{token}}",
)
EMAIL_VERIFICATION_TIMEOUT = env.int("EMAIL_VERIFICATION_TIMEOUT", default=3 * 24 * 3600)

# --- The pages of staff --------------------------------------------------------------------

LOGIN_URL = "admin:login"
SESSION_ENGINE = "accounts.staff_sessions"
SESSION_COOKIE_AGE = env.int("TOKEN_TTL_HOURS", default=10) * 3600  # a login lives as long as a token
CSRF_COOKIE_HTTPONLY = True  # forms carry the token
# A browser keeps such cookies from plain HTTP, so only where people come by HTTPS.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PUBLIC_URL.startswith("https://")
CSRF_TRUSTED_ORIGINS = ["/".join(PUBLIC_URL.split("/")[:3])]  # behind a proxy that ends TLS
UNFOLD = {
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SIDEBAR": {"navigation": "drf_oms.backoffice.navigation"},
}

# --- HTTP ----------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["drf_oms.json.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["drf_oms.json.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "drf_oms.pagination.Pagination",
    "DEFAULT_FILTER_BACKENDS": [
        "drf_oms.filter_backends.FieldFilter",
        "drf_oms.filter_backends.SearchFilter",
        "drf_oms.filter_backends.OrderingFilter",
    ],
    "DEFAULT_SCHEMA_CLASS": "drf_oms.schema.AutoSchema",
    "DEFAULT_THROTTLE_RATES": {
        "register": env.str("THROTTLE_REGISTER", default="60/min"),
        "login": env.str("THROTTLE_LOGIN", default="60/min"),
        "password_reset": env.str("THROTTLE_PASSWORD_RESET", default="20/hour"),
        "email_verification": env.str("THROTTLE_EMAIL_VERIFICATION", default="20/hour"),
    },
    "EXCEPTION_HANDLER": "drf_oms.errors.exception_handler",
    "NUM_PROXIES": env.int("TRUSTED_PROXIES", default=0),
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
REQUEST_BODY_LIMIT = 1024 * 1024  # bytes
IMPORT_BODY_LIMIT = env.int("IMPORT_BODY_LIMIT", default=64 * 1024 * 1024)  # bytes of POST /orders/import

SPECTACULAR_SETTINGS = {
    "TITLE": "DRF-OMS",
    "DESCRIPTION": "Members register, log in and place orders.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "OrderStatus": "orders.models.STATUSES",
        "PlacedStatus": "orders.serializers.PLACED_STATUSES",
    },
}

STATIC_URL = "/static/"
STATIC_ROOT = STATE_DIR / "static"
WHITENOISE_USE_FINDERS = DEBUG

# Browser front ends of other origins; none unless named. Tokens travel in a header, so no credentials.
CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])
CORS_ALLOW_HEADERS = (
    *default_headers,
    "idempotency-key",
    "if-match",
    "if-none-match",
    "x-consistency",
    "x-consistency-token",
)
CORS_EXPOSE_HEADERS = ["ETag", "Location", "Retry-After", "X-Consistency-Token", "X-Request-Id"]

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"

# --- Metrics -------------------------------------------------------------------------------

# Addresses and networks that may GET /metrics.
METRICS_ALLOWED_ADDRESSES = env.list("METRICS_ALLOWED_ADDRESSES", default=["127.0.0.1", "::1"])
METRICS_DIR = env.str("PROMETHEUS_MULTIPROC_DIR", default="")  # set by drf_oms.gunicorn for its workers

# --- Language, time, logs ------------------------------------------------------------------

LANGUAGE_CODE = "en"
# ko-kr for whoever asks for ko: DRF's catalogue is named so, and Django finds those of ko besides it.
LANGUAGES = [("en", "English"), ("ko-kr", "한국어"), ("ja", "日本語")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_TZ = True
TIME_ZONE = env.str("TIME_ZONE", default="Asia/Seoul")

LOG_FORMAT = known(env.str("LOG_FORMAT", default="line"))  # or "json"; gunicorn's own lines: drf_oms.gunicorn
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "drf_oms.request_id.RequestIdFilter"}},
    "formatters": {
        "line": {"()": "drf_oms.log_formats.Line"},
        "json": {"()": "drf_oms.log_formats.Json"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "filters": ["request_id"],
            "formatter": LOG_FORMAT,
        }
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django": {"handlers": [], "propagate": True},
        "django.request": {"level": "ERROR"},  # the access log has each 4xx already
        "django.db.backends": {"level": "INFO"},  # statements hold personal data
    },
}
