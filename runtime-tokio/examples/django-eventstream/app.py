"""Rooms to follow as server-sent events: django-eventstream behind a GRIP proxy.

Every event is stored before it is published. A browser that comes back says what it saw last and gets
the rest; where a publish is lost, the proxy notices the gap and fetches the event from here.
"""

import os
import sys
from pathlib import Path

import django
from django.conf import settings

settings.configure(
    DEBUG=True,
    SECRET_KEY="only-for-this-example-and-long-enough-to-sign-with",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=[
        "django_grip.GripMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django_eventstream"],
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": Path(__file__).with_name("db.sqlite3"),
            "OPTIONS": {"transaction_mode": "IMMEDIATE"},
        }
    },
    # Where to publish, and the issuer and key with which the proxy signs what it forwards.
    GRIP_URL=os.environ.get("GRIP_URL", "http://127.0.0.1:5561/?iss=pushpin&key=changeme"),
    EVENTSTREAM_STORAGE_CLASS="django_eventstream.storage.DjangoModelStorage",
    EVENTSTREAM_CHANNELMANAGER_CLASS=f"{__name__}.Rooms",
)
django.setup()

from django.contrib.auth import get_user_model, login
from django.contrib.auth.models import Group
from django.core.management import execute_from_command_line
from django.http import HttpResponse
from django.urls import include, path
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_eventstream import channel_permission_changed, send_event
from django_eventstream.channelmanager import DefaultChannelManager

PAGE = """<!doctype html>
<meta charset="utf-8">
<title>Lobby</title>
<ol id="said"></ol>
<script>
  new EventSource('/events/?channel=lobby').onmessage = event => {
    const line = document.createElement('li');
    line.textContent = JSON.parse(event.data).text;
    said.append(line);
  };
</script>
"""


class Rooms(DefaultChannelManager):
    """Anyone may listen in the lobby; every other room is for the members of the group of its name."""

    def can_read_channel(self, user, channel):
        if channel == "lobby":
            return True
        return user is not None and user.groups.filter(name=channel).exists()


@require_GET
def page(request):
    return HttpResponse(PAGE)


@require_POST
def enter(request, name):
    """Logs in without a password: an example has nothing to hide."""
    user, _ = get_user_model().objects.get_or_create(username=name)
    login(request, user)
    return HttpResponse(f"You are {name}.\n")


@require_POST
def say(request, room):
    send_event(room, "message", {"text": request.POST["text"]})
    return HttpResponse("Said.\n")


@require_http_methods(["PUT", "DELETE"])
def member(request, room, name):
    user, _ = get_user_model().objects.get_or_create(username=name)
    group, _ = Group.objects.get_or_create(name=room)
    if request.method == "PUT":
        user.groups.add(group)
    else:
        user.groups.remove(group)
        channel_permission_changed(user, room)  # ends the streams that the user has open
    return HttpResponse("Done.\n")


urlpatterns = [
    path("", page),
    path("events/", include("django_eventstream.urls")),
    path("enter/<name>/", enter),
    path("rooms/<room>/say/", say),
    path("rooms/<room>/members/<name>/", member),
]

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
