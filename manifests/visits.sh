#!/bin/bash
# A program that needs Redis, for quickstart.yaml: it counts in the server, with nothing but bash.
# Where the server is and how to log in comes from the environment; nothing about it is written down here.
set -eu
export LC_ALL=C # lengths on the wire are bytes

exec 3<>"/dev/tcp/$CACHE_HOST/$CACHE_PORT"

# Sends one command and sets $answer to the server's one-line answer.
redis() {
  printf '*%d\r\n' $# >&3
  for word; do printf '$%d\r\n%s\r\n' "${#word}" "$word" >&3; done
  IFS= read -r -t 5 -u 3 answer || { echo "the cache went away" >&2; exit 1; }
  answer=${answer%$'\r'}
  [[ $answer != -* ]] || { echo "the cache says no: ${answer#-}" >&2; exit 1; }
}

if [ -n "${CACHE_PASSWORD:-}" ]; then
  redis AUTH "$CACHE_PASSWORD"
fi
echo "connected to the cache at $CACHE_HOST:$CACHE_PORT"
while true; do
  redis INCR visits
  echo "visit number ${answer#:}"
  sleep 2
done
