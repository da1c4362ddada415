from django.shortcuts import render
from django.views.decorators.http import require_safe

from .models import Book


@require_safe
def books(request):
    return render(request, "library/books.html", {"books": Book.objects.all()})
