import django.core.validators
from django.db import migrations, models

BOOKS = [
    ("Sketch of the Analytical Engine", "Ada Lovelace", 1843),
    ("An Investigation of the Laws of Thought", "George Boole", 1854),
    ("Computing Machinery and Intelligence", "Alan Turing", 1950),
    ("The Education of a Computer", "Grace Hopper", 1952),
]


def add_books(apps, schema_editor):
    book = apps.get_model("library", "Book")
    for title, author, year in BOOKS:
        book.objects.create(title=title, author=author, year=year)


class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.CreateModel(
            name="Book",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("title", models.CharField(max_length=200)),
                ("author", models.CharField(max_length=200)),
                (
                    "year",
                    models.PositiveSmallIntegerField(
                        validators=[django.core.validators.MaxValueValidator(9999)]
                    ),
                ),
            ],
            options={"ordering": ["year", "title"]},
        ),
        migrations.RunPython(add_books, migrations.RunPython.noop),
    ]
