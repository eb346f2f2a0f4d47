"""Chat rooms over WebSockets, in an application without any: Flask behind a GRIP proxy.

The proxy keeps the sockets. What a client says comes as a POST, and the answer holds what the client gets.
"""

import os
import struct

from flask import Flask, Response, abort, request
from gripcontrol import (
    GripPubControl,
    WebSocketEvent,
    WebSocketMessageFormat,
    decode_websocket_events,
    encode_websocket_events,
    parse_grip_uri,
    validate_sig,
    websocket_control_message,
)
from pubcontrol import Item

# Where to publish, and the issuer and key with which the proxy signs what it forwards.
GRIP = parse_grip_uri(os.environ.get("GRIP_URL", "http://127.0.0.1:5561/?iss=pushpin&key=changeme"))
EVENTS = "application/websocket-events"

app = Flask(__name__)
publisher = GripPubControl(GRIP)


@app.get("/")
def usage():
    return "Come with a WebSocket to /rooms/ROOM/?name=NAME\n"


@app.post("/rooms/<room>/")
def talk(room):
    if not validate_sig(request.headers.get("Grip-Sig", ""), GRIP["key"]):
        abort(501, "This must be asked through the proxy, with a valid Grip-Sig.")
    if request.content_type != EVENTS:
        abort(400, "Only WebSocket events come here.")
    name = request.args.get("name", "somebody")
    answers = [answer for event in decode_websocket_events(request.data) for answer in react(room, name, event)]
    # The proxy does what begins "c:", and what begins "m:" is for the client.
    extension = {"Sec-WebSocket-Extensions": 'grip; message-prefix="m:"'}
    return Response(encode_websocket_events(answers), content_type=EVENTS, headers=extension)


def react(room, name, event):
    """What is answered to an event."""
    if event.type == "OPEN":
        tell(room, f"{name} comes")
        return [WebSocketEvent("OPEN"), subscribe(room), text(f"Welcome to {room}, {name}")]
    if event.type == "TEXT" and event.content == b"/leave":
        # The client's own close, which answers this, comes as an event.
        return [WebSocketEvent("CLOSE", struct.pack(">H", 4000) + b"bye")]
    if event.type == "TEXT":
        tell(room, f"{name}: {(event.content or b'').decode()}")
    elif event.type == "CLOSE":
        tell(room, f"{name} leaves")
        return [event]
    elif event.type == "DISCONNECT":
        tell(room, f"{name} is lost")
    return []


def text(said):
    return WebSocketEvent("TEXT", f"m:{said}")


def subscribe(room):
    return WebSocketEvent("TEXT", "c:" + websocket_control_message("subscribe", {"channel": room}))


def tell(room, said):
    """Tells everyone in the room."""
    publisher.publish(room, Item(WebSocketMessageFormat(said)), blocking=True)
