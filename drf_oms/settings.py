"""Settings of the service: the only reader of the environment.

Every variable is described in `.env.example`. A missing or unsafe value stops the start
with a sentence that says what to do (see also `drf_oms.checks`).
"""

from datetime import timedelta
from pathlib import Path

import environ
from redis.backoff import NoBackoff
from redis.retry import Retry

BASE_DIR = Path(__file__).resolve().parent.parent
STATE_DIR = BASE_DIR / "var"

env = environ.Env()
if (BASE_DIR / ".env").is_file():
    env.read_env(BASE_DIR / ".env")

# --- The service ---------------------------------------------------------------------------

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="django-insecure-unset")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[])

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.staticfiles",
    "rest_framework",
    "knox",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "drf_oms",
    "accounts",
    "orders",
    "routers",
]

MIDDLEWARE = [
    "drf_oms.request_id.RequestIdMiddleware",
    "drf_oms.health.HealthMiddleware",  # before anything that looks at the Host header
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.common.CommonMiddleware",
    "routers.middleware.RoutingMiddleware",
]

ROOT_URLCONF = "drf_oms.urls"
WSGI_APPLICATION = "drf_oms.wsgi.application"
APPEND_SLASH = False  # every route answers with and without the slash

TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]

# --- Databases -----------------------------------------------------------------------------

DATABASES = {"default": env.db_url("DATABASE_URL")}
for number, url in enumerate(env.list("REPLICA_URLS", default=[]), start=1):
    DATABASES[f"replica{number}"] = {
        **env.db_url_config(url.strip()),
        "TEST": {"MIRROR": "default"},
    }
for alias, database in DATABASES.items():
    database |= {
        "ENGINE": "routers.mysql",
        "CONN_MAX_AGE": 600,
        # A write is not made twice, so its connection is tried first. A read is: see routers.middleware.
        "CONN_HEALTH_CHECKS": alias == "default",
        "OPTIONS": {"charset": "utf8mb4", "connect_timeout": 1, **database.get("OPTIONS", {})},
    }

DATABASE_ROUTERS = ["routers.router.PrimaryReplicaRouter"]
ROUTERS = {
    "REPLICAS": [alias for alias in DATABASES if alias != "default"],
    "GATE_READS": env.bool("GATE_READS", default=True),
    "WAIT_BUDGET_MS": env.int("WAIT_BUDGET_MS", default=20),
    "MAX_LAG_SECONDS": env.float("MAX_LAG_SECONDS", default=10),
    "FALL_BACK_READS_PER_SECOND": env.float("FALL_BACK_READS_PER_SECOND", default=0) or None,
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
REST_KNOX = {"TOKEN_TTL": timedelta(hours=env.int("TOKEN_TTL_HOURS", default=10))}

# --- HTTP ----------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["drf_oms.json.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["drf_oms.json.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "drf_oms.pagination.LimitOffsetPagination",
    "DEFAULT_FILTER_BACKENDS": [
        "django_filters.rest_framework.DjangoFilterBackend",
        "rest_framework.filters.SearchFilter",
        "rest_framework.filters.OrderingFilter",
    ],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_RATES": {
        "register": env.str("THROTTLE_REGISTER", default="60/min"),
        "login": env.str("THROTTLE_LOGIN", default="60/min"),
    },
    "EXCEPTION_HANDLER": "drf_oms.errors.exception_handler",
    "NUM_PROXIES": env.int("TRUSTED_PROXIES", default=0),
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
REQUEST_BODY_LIMIT = 1024 * 1024  # bytes

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
}

STATIC_URL = "/static/"
STATIC_ROOT = STATE_DIR / "static"
WHITENOISE_USE_FINDERS = DEBUG

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"

# --- Language, time, logs ------------------------------------------------------------------

LANGUAGE_CODE = "en-us"
USE_TZ = True
TIME_ZONE = env.str("TIME_ZONE", default="Asia/Seoul")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "drf_oms.request_id.RequestIdFilter"}},
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "filters": ["request_id"],
            "formatter": "line",
        }
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django": {"handlers": [], "propagate": True},
        "django.request": {"level": "ERROR"},  # the access log has each 4xx already
    },
}
