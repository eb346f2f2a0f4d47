"""A counter that browsers wait for: Django behind a GRIP proxy.

Every view answers at once. Where the browser should wait, the view says so, and the proxy holds it.
"""

import json
import os
import sys
import threading
import time

from django.conf import settings

settings.configure(
    DEBUG=True,
    SECRET_KEY="only-for-this-example",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=["django_grip.GripMiddleware"],
    # Where to publish, and the issuer and key with which the proxy signs what it forwards.
    GRIP_URL=os.environ.get("GRIP_URL", "http://127.0.0.1:5561/?iss=pushpin&key=changeme"),
    # A view that wants to hold answers 501 to requests that did not come through the proxy.
    GRIP_PROXY_REQUIRED=True,
)

from django.core.management import execute_from_command_line
from django.http import HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.http import require_GET, require_http_methods
from django_grip import publish, set_hold_longpoll, set_hold_stream, websocket_only
from gripcontrol import Channel, HttpResponseFormat, HttpStreamFormat, WebSocketMessageFormat

# Proxies remember item ids for a minute, so a counter that starts anew must not use the old ones.
RUN = f"{time.time_ns():x}"

lock = threading.Lock()
count = 0


def item_id(value):
    return f"{RUN}-{value}"


def event(value):
    return f'data: {{"value": {value}}}\n\n'


@require_http_methods(["GET", "POST"])
def value(request):
    if request.method == "POST":
        return raise_value()
    current = count
    if request.GET.get("last") != str(current):
        return JsonResponse({"value": current})
    # The prev_id lets a proxy notice a change between this answer and the hold.
    set_hold_longpoll(request, Channel("counter", prev_id=item_id(current)), timeout=20)
    return JsonResponse({})


@require_GET
def events(request):
    set_hold_stream(request, "counter", keep_alive_data=":\n\n", keep_alive_timeout=20)
    return HttpResponse(event(count), content_type="text/event-stream")


@websocket_only
def socket(request):
    """A WebSocket: "add" raises the value, which everyone is told; anything else asks for it."""
    if not request.grip.proxied:
        return HttpResponse("This must be asked through the proxy, with a valid Grip-Sig.\n", status=501)
    ws = request.wscontext
    if ws.is_opening():
        ws.accept()
        ws.subscribe("counter")
    while ws.can_recv():
        try:
            message = ws.recv()
        except OSError:  # the client is gone
            break
        if message is None:
            ws.close(ws.close_code)
            break
        if message == "add":
            raise_value()
        else:
            ws.send(json.dumps({"value": count}))


def raise_value():
    global count
    with lock:  # also keeps the items in order
        count += 1
        answer = JsonResponse({"value": count})
        publish(
            "counter",
            [
                HttpResponseFormat(
                    headers={"Content-Type": "application/json"}, body=answer.content.decode()
                ),
                HttpStreamFormat(event(count)),
                WebSocketMessageFormat(json.dumps({"value": count})),
            ],
            id=item_id(count),
            prev_id=item_id(count - 1),
        )
    return answer


urlpatterns = [
    path("counter/value/", value),
    path("counter/events/", events),
    path("counter/socket/", socket),
]

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
