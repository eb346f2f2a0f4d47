#!/usr/bin/env bash
# Runs each example behind a proxy and drives it with curl: plain request, long-poll, stream, publish, reconnects;
# and the counters and chats with WebSocket clients.
#
#   check.sh PROXY       starts the proxy binary PROXY with the examples' own configuration
#   check.sh --running   uses a proxy that runs already and routes to 127.0.0.1:$APP_PORT,over_http with
#                        the examples' sig_iss and sig_key; set HTTP_PORT and PUBLISH_PORT too.
#                        node-chat, whose WebSockets do not go over_http like the others', is left out then
#
# An example whose packages cannot be installed is skipped, and says so.
set -euo pipefail

HTTP_PORT=${HTTP_PORT:-18390} PUBLISH_PORT=${PUBLISH_PORT:-18391} APP_PORT=${APP_PORT:-18392}
proxy=${1:?"usage: check.sh PROXY | --running"}
[ "$proxy" = --running ] || [ -x "$proxy" ] || { echo "no such program: $proxy" >&2; exit 2; }
[ "$proxy" = --running ] || proxy=$(realpath "$proxy")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
site=http://127.0.0.1:$HTTP_PORT socket=ws://127.0.0.1:$HTTP_PORT/counter/socket/
export GRIP_URL="http://127.0.0.1:$PUBLISH_PORT/?iss=pushpin&key=changeme"
app_pid='' proxy_pid=''
. "$here/check/eventstream.sh"

main() {
    check django-counter install_with_client start_django /counter/value/ drive_django_counter
    check express-counter install_express start_node /counter/value/ drive_express_counter
    check django-eventstream install_django start_eventstream / drive_eventstream
    check flask-chat install_with_client start_flask / drive_chat
    [ "$proxy" = --running ] || check node-chat install_node_chat start_node / drive_chat
}

check() {
    local name=$1 install=$2 start=$3 ready=$4 drive=$5
    mkdir "$work/$name"
    cp -r "$here/$name/." "$work/$name"
    cd "$work/$name"
    if ! "$install" >install.log 2>&1; then
        echo "SKIPPED: $name (its packages cannot be installed: $(tail -n 1 install.log))"
        return
    fi
    "$start" >app.log 2>&1 &
    app_pid=$!
    start_proxy
    await "the application behind the proxy" answers "$ready"
    "$drive"
    stop
    echo "ok: $name"
}

drive_counter() {
    is "the value" "$(value)" '{"value":0}'
    is "a hold without the proxy" "$(status "http://127.0.0.1:$APP_PORT/counter/value/?last=0")" 501

    ask "$site/counter/value/?last=0" -D poll.head -o poll.body -m 15 &
    local poll=$!
    ask "$site/counter/events/" -N -D stream.head -o stream.body -m 30 &
    local stream=$!
    await "the start of the stream" grep -qs '"value": *0' stream.body
    sleep 1
    kill -0 "$poll" 2>/dev/null || fail "the long-poll was not held: $(cat poll.body)"

    is "the first POST" "$(value -X POST)" '{"value":1}'
    wait "$poll" || fail "the long-poll was not answered"
    is "the long-poll" "$(tr -d ' \n' <poll.body)" '{"value":1}'
    grep -qi '^content-type: application/json' poll.head || fail "the long-poll is not JSON"
    await "the first event" grep -q '"value": *1' stream.body
    is "the second POST" "$(value -X POST)" '{"value":2}'
    await "the second event" grep -q '"value": *2' stream.body
    kill "$stream"
    wait "$stream" 2>/dev/null || true

    is "the events" "$(grep '^data:' stream.body | tr -dc '0-9\n' | uniq | tr '\n' ' ')" '0 1 2 '
    grep -qi '^content-type: text/event-stream' stream.head || fail "the stream is not SSE"
    ! grep -qi '^grip-' poll.head stream.head || fail "a Grip- header reached the client"
    drive_gap
}

# An item that does not follow the last one: the application is asked again, and says that nothing has changed.
drive_gap() {
    ask "$site/counter/value/?last=2" -D gap.head -o gap.body -m 20 &
    local poll=$!
    sleep 1
    is "a publish by hand" "$(status "http://127.0.0.1:$PUBLISH_PORT/publish/" -d '{"items": [{
        "channel": "counter", "id": "stray", "prev-id": "lost", "formats": {"http-response": {"body": "stray"}}}]}')" 200
    sleep 7 # longer than the item waits for the one before it
    kill -0 "$poll" 2>/dev/null || fail "the long-poll was answered across a gap: $(cat gap.body)"
    is "the third POST" "$(value -X POST)" '{"value":3}'
    wait "$poll" || fail "the long-poll was not answered after a gap"
    is "the long-poll after a gap" "$(tr -d ' \n' <gap.body)" '{"value":3}'
    ! grep -qi '^grip-' gap.head || fail "a Grip- header reached the client after a gap"
}

drive_django_counter() {
    drive_counter
    venv/bin/python "$here/check/websocket_client.py" "$socket" 3 || fail "the WebSocket"
}

drive_express_counter() {
    drive_counter
    cp "$here/check/websocket-client.mjs" . && node websocket-client.mjs "$socket" 3 || fail "the WebSocket"
}

drive_chat() {
    venv/bin/python "$here/check/chat_client.py" "ws://127.0.0.1:$HTTP_PORT/rooms/lobby/" || fail "the chat"
}

install_python() { python3 -m venv venv && venv/bin/pip install -q "$@"; }
install_npm() { npm install --silent --no-package-lock --no-audit --no-fund "$@"; }
install_django() { install_python -r requirements.txt; }
install_with_client() { install_python -r requirements.txt websockets; }
install_express() { install_npm && install_npm --no-save ws; }
install_node_chat() { install_npm && install_python websockets; }
start_django() { exec venv/bin/python app.py runserver --noreload "127.0.0.1:$APP_PORT"; }
start_flask() { exec venv/bin/flask run --port "$APP_PORT"; }
start_node() { PORT=$APP_PORT exec node app.js; }

start_proxy() {
    [ "$proxy" != --running ] || return 0
    sed -i "s/^http_port=.*/http_port=$HTTP_PORT/; s/^push_in_http_port=.*/push_in_http_port=$PUBLISH_PORT/" \
        holdfast.conf
    sed -i "s/:8000/:$APP_PORT/" routes
    "$proxy" --config holdfast.conf >proxy.log 2>&1 &
    proxy_pid=$!
}

ask() { exec curl -sS --noproxy '*' "$@"; }
value() { (ask -m 10 "$site/counter/value/" "$@") | tr -d ' \n'; }
status() { (ask -m 10 -o /dev/null -w '%{http_code}' "$@"); }
answers() { [ "$(status "$site$1" 2>/dev/null)" = 200 ]; }

await() {
    local what=$1
    shift
    for _ in $(seq 100); do
        ! "$@" || return 0
        sleep 0.1
    done
    fail "waited 10 s in vain for $what"
}

is() { [ "$2" = "$3" ] || fail "$1: expected $3, got $2"; }

fail() {
    echo "FAILED: $(basename "$PWD"): $*" >&2
    tail -n 20 app.log proxy.log >&2 2>/dev/null || true
    exit 1
}

stop() {
    for pid in $app_pid $proxy_pid; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    app_pid='' proxy_pid=''
}

trap 'stop; kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
main
