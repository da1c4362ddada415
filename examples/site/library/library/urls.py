"""Behind the mount: xgi serves the project at /django, and tells it so in SCRIPT_NAME."""

from django.contrib import admin
from django.urls import path

from . import views

urlpatterns = [
    path("", views.books),
    path("admin/", admin.site.urls),
]
