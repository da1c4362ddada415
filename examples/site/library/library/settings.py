"""Settings for a machine of one's own. What is secret, and what is written, is in the folder SITE_DATA."""

import os
from pathlib import Path

DATA = Path(os.environ["SITE_DATA"])

SECRET_KEY = (DATA / "secret-key").read_text()
DEBUG = False
# Names of this machine only: the name and the password of the demo user stand on the front page.
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]

INSTALLED_APPS = [
    "library",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "library.urls"
WSGI_APPLICATION = "library.wsgi.application"
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
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": DATA / "db.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# `manage.py collectstatic` copies the files of the admin there, and xgi serves them.
STATIC_URL = "/django/static/"
STATIC_ROOT = DATA / "static"

# Cookies of this part only, under names of its own: other programs on this host have other ones.
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = "/django/"
SESSION_COOKIE_NAME = "library-session"
CSRF_COOKIE_NAME = "library-csrf"

LANGUAGE_CODE = "en"
USE_TZ = True
TIME_ZONE = "UTC"
