from django.core.validators import MaxValueValidator
from django.db import models


class Book(models.Model):
    title = models.CharField(max_length=200)
    author = models.CharField(max_length=200)
    year = models.PositiveSmallIntegerField(validators=[MaxValueValidator(9999)])

    class Meta:
        ordering = ["year", "title"]

    def __str__(self):
        return self.title
