#!/usr/bin/env bash
# Follows the live feed of a factory with nothing but curl: prints every frame as one line of JSON, for ever.
#
#     ANDON_URL=http://127.0.0.1:8080 ANDON_ACCOUNT=viewer ANDON_PASSWORD_FILE=password.txt ./feed.sh ['station=ID&status=fault']
#
# Fold the frames like this: after a `hello` that is not `resumed`, and after a `reset`, begin anew; sessions of a
# `snapshot` and in `set` of a `delta` replace what you have of them; those in `del` go. When the connection ends, the
# next one goes on where this one ended.
set -euo pipefail

url=${ANDON_URL:?the address of the gateway, such as http://127.0.0.1:8080}
account=${ANDON_ACCOUNT:?the name of an account; the role viewer is enough}
password_file=${ANDON_PASSWORD_FILE:?a file with its password, alone on the first line}
query=${1:-}
# The server pings every 15 s: three missed ones are a dead connection.
silence_s=45
# Until the server says otherwise.
retry_ms=2000
last_id=
token=

# Text as it stands in JSON.
quoted() {
  local text=${1//\\/\\\\}
  printf '"%s"' "${text//\"/\\\"}"
}

# A new token. Secrets go through standard input: arguments can be read by everybody on the machine.
login() {
  local password answer
  IFS= read -r password <"$password_file" || [ -n "$password" ]
  answer=$(printf '{"account":%s,"password":%s}' "$(quoted "$account")" "$(quoted "$password")" |
    curl --silent --show-error --max-time 10 --header 'Content-Type: application/json' --data-binary @- "$url/api/admin/login") || return 0
  token=$(sed -n 's/.*"token":"\([^"]*\)".*/\1/p' <<<"$answer")
  if [ -z "$token" ]; then
    echo "cannot sign in: $answer" >&2
  fi
}

connect() {
  {
    printf 'header = "Authorization: Bearer %s"\n' "$token"
    printf 'header = "Accept: text/event-stream"\n'
    [ -z "$last_id" ] || printf 'header = "Last-Event-ID: %s"\n' "$last_id"
  } | curl --silent --show-error --no-buffer --fail --config - --connect-timeout 5 \
    --speed-limit 1 --speed-time "$silence_s" "$url/api/admin/feed${query:+?$query}"
}

# Reads one connection to its end. An event counts when its empty line has come: half of one is nothing.
read_events() {
  local line id='' data=''
  while IFS= read -r line; do
    case $line in
      'id: '*) id=${line#id: } ;;
      'retry: '*) retry_ms=${line#retry: } ;;
      'data: '*) data=${line#data: } ;;
      # An HTTP error: the token is not taken, so the next attempt gets another.
      refused) token='' ;;
      '')
        [ -z "$data" ] || printf '%s\n' "$data"
        [ -z "$id" ] || last_id=$id
        case $data in
          # The token has ended, or was revoked.
          *'"type":"bye"'*) [[ $data =~ \"code\":(4001|4003)[^0-9] ]] && token='' ;;
        esac
        id='' data=''
        ;;
    esac
  done
}

while :; do
  [ -n "$token" ] || login
  if [ -n "$token" ]; then
    exec 3< <(connect || [ $? != 22 ] || echo refused)
    # Without a subshell: what was read is remembered.
    read_events <&3
    exec 3<&-
  fi
  # Not all at once when a gateway comes back: up to as long again.
  pause_ms=$((retry_ms + RANDOM % (retry_ms + 1)))
  sleep "$((pause_ms / 1000)).$(printf '%03d' $((pause_ms % 1000)))"
done
