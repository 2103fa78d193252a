#!/bin/sh
# Entrypoint of the test images. Behaves like the official Redis and Valkey ones, as far as apphost can see it:
# a first argument that is an option or a *.conf file means the server; started as root, the server's data folder is
# given to the server's user and root is dropped; another command, or another user, runs as it is; files are private.
set -e

server=redis-server
command -v valkey-server >/dev/null && server=valkey-server
user=${server%-server}

case ${1:-} in
-* | *.conf) set -- "$server" "$@" ;;
esac

if [ "${1:-}" = "$server" ] && [ "$(id -u)" = 0 ]; then
  # Not quiet on purpose: on read-only data that belongs to somebody else this ends the start, as the official one does.
  find . ! -user "$user" -exec chown "$user" {} +
  exec setpriv --reuid="$user" --regid="$user" --clear-groups "$0" "$@"
fi

[ "$(umask)" = 0022 ] && umask 0077
exec "$@"
