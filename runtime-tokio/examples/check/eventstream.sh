# Drives django-eventstream: events, reconnects, gaps, permissions. Part of ../check.sh, whose functions it uses.

start_eventstream() {
    venv/bin/python app.py migrate -v 0
    exec venv/bin/python app.py runserver --noreload "127.0.0.1:$APP_PORT"
}

drive_eventstream() {
    events_arrive
    reconnects_miss_nothing
    gaps_are_filled
    only_members_listen
}

events_arrive() {
    follow live 'channel=lobby'
    say lobby one
    say lobby two
    heard live 'lobby:1 one, lobby:2 two'
}

reconnects_miss_nothing() {
    leave live
    say lobby three
    follow back 'channel=lobby' -H 'Last-Event-ID: lobby:1'
    heard back 'lobby:2 two, lobby:3 three'
    say lobby four
    heard back 'lobby:2 two, lobby:3 three, lobby:4 four'
    follow page 'channel=lobby&lastEventId=lobby:4'
}

# `back` and `page` listen; events that are stored but never published reach them all the same.
gaps_are_filled() {
    store lobby five
    say lobby six # its previous id is one that the proxy has not seen
    heard page 'lobby:5 five, lobby:6 six'
    heard back 'lobby:2 two, lobby:3 three, lobby:4 four, lobby:5 five, lobby:6 six'

    store lobby seven
    (ask -m 10 -o /dev/null -X POST -d '' "http://127.0.0.1:$PUBLISH_PORT/recover/")
    heard page 'lobby:5 five, lobby:6 six, lobby:7 seven'

    # More than one answer of the application holds: pages follow each other until the backlog ends.
    store lobby $(seq 150)
    follow all 'channel=lobby' -H 'Last-Event-ID: lobby:7'
    say lobby last
    await "the end of a long backlog" grep -q '^id: lobby:158' all.body
    is "the backlog" "$(grep '^id: ' all.body | md5sum)" "$(printf 'id: lobby:%s\n' $(seq 8 158) | md5sum)"
    leave page
    leave back
    leave all
}

only_members_listen() {
    local alice=(-b alice.jar)
    (ask -m 10 -o /dev/null -c alice.jar -X POST "$site/enter/alice/")
    refused || fail "anybody may listen to the staff"
    refused "${alice[@]}" || fail "a user may listen to the staff before being one of it"

    membership PUT alice
    follow staff 'channel=lobby&channel=staff' "${alice[@]}"
    follow lobby 'channel=lobby' "${alice[@]}"
    say staff secret
    await "the talk of the staff" grep -q secret staff.body
    say lobby public
    await "the talk of the lobby" grep -q public lobby.body

    membership DELETE alice
    await "the end of the stream of a former member" gone staff
    grep -q '^event: stream-error' staff.body || fail "a former member is not told why the stream ends"
    say lobby later
    await "the other stream of the former member" grep -q later lobby.body
    ! grep -q secret lobby.body || fail "the lobby heard the staff"
    ! grep -q later staff.body || fail "a former member still listens"
    refused "${alice[@]}" || fail "a former member may come back"
    leave lobby
}

# follow NAME QUERY [CURL OPTION]...: a stream in the background, into NAME.body.
follow() {
    local name=$1 query=$2
    shift 2
    ask "$site/events/?$query" -N -m 120 -D "$name.head" -o "$name.body" "$@" &
    echo $! >"$name.pid"
    await "the start of the stream $name" grep -qs 'event: stream-open' "$name.body"
    sleep 1 # the proxy holds what it has sent the start of
}

leave() {
    kill "$(cat "$1.pid")"
    wait "$(cat "$1.pid")" 2>/dev/null || true
    ! grep -qi '^grip-' "$1.head" || fail "a Grip- header reached the client"
}

gone() { ! kill -0 "$(cat "$1.pid")" 2>/dev/null; }

# heard NAME 'ID TEXT, ID TEXT...': what the stream has brought so far, at most 10 s from now; nothing twice.
heard() {
    await "'$2' on the stream $1, which has brought '$(talk "$1")'" eval "[ \"\$(talk $1)\" = '$2' ]"
}

talk() {
    sed -n 's/^id: //p; s/^data: {"text": "\(.*\)"}$/\1,/p' "$1.body" | tr '\n' ' ' | sed 's/, $//'
}

say() { (ask -m 10 -f -o /dev/null -d "text=$2" "$site/rooms/$1/say/"); }

# store ROOM TEXT...: events whose publish is lost.
store() {
    local room=$1
    shift
    venv/bin/python app.py shell -v 0 -c "
import json
from django_eventstream.utils import get_storage
for text in '$*'.split():
    get_storage().append_event('$room', 'message', json.dumps({'text': text}))"
}

membership() { (ask -m 10 -f -o /dev/null -X "$1" "$site/rooms/staff/members/$2/"); }

# refused [CURL OPTION]...: the stream of the staff ends at once, with a refusal.
refused() { (ask -m 10 "$@" "$site/events/?channel=staff") | grep -q '"condition": "forbidden"'; }
