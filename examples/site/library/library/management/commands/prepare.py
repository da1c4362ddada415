"""manage.py prepare USER: the database, the files of the admin, and a user of it if there is none of that name.

The password is read from DEMO_PASSWORD. All of it may be run again.
"""

import os

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Makes the database, the static files and the demo user"

    def add_arguments(self, parser):
        parser.add_argument("user")

    def handle(self, *args, **options):
        call_command("migrate", interactive=False, verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        users = get_user_model().objects
        if not users.filter(username=options["user"]).exists():
            users.create_superuser(options["user"], password=os.environ["DEMO_PASSWORD"])
