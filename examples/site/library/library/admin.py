from django.contrib import admin

from .models import Book

admin.site.site_header = admin.site.site_title = "Library"
admin.site.site_url = "/django/"


@admin.register(Book)
class BookAdmin(admin.ModelAdmin):
    list_display = ["title", "author", "year"]
    list_filter = ["author"]
    search_fields = ["title", "author"]
