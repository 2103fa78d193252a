# An sshd of the test's own on loopback, with keys of its own, and an ssh in front of PATH that knows them and nothing
# else.  load sshd
#
#   sshd_start   sets SSH_PORT; skips the test where there can be no sshd
#   sshd_stop    for teardown; nothing when none runs

sshd_start() {
  local sshd
  sshd=$(PATH=$PATH:/usr/sbin command -v sshd) || skip "sshd (openssh-server) is not installed"
  needs ssh-keygen
  [ "$(id -u)" = 0 ] || skip "sshd needs root"
  mkdir -p /run/sshd
  SSH_PORT=$(free_port)
  ssh-keygen -q -t ed25519 -N '' -f "$T/hostkey"
  ssh-keygen -q -t ed25519 -N '' -f "$T/userkey"
  cp "$T/userkey.pub" "$T/authorized"
  echo "[127.0.0.1]:$SSH_PORT $(cut -d' ' -f1,2 "$T/hostkey.pub")" >"$T/known"
  cat >"$T/sshd_config" <<END
Port $SSH_PORT
ListenAddress 127.0.0.1
HostKey $T/hostkey
PidFile $T/sshd.pid
AuthorizedKeysFile $T/authorized
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication no
END
  cat >"$T/ssh_config" <<END
Host *
  IdentityFile $T/userkey
  IdentitiesOnly yes
  UserKnownHostsFile $T/known
END
  mkdir "$T/bin"
  printf '#!/bin/sh\nexec %s -F %s "$@"\n' "$(command -v ssh)" "$T/ssh_config" >"$T/bin/ssh"
  chmod +x "$T/bin/ssh"
  export PATH=$T/bin:$PATH
  local try port
  for try in 1 2 3; do
    "$sshd" -f "$T/sshd_config" -E "$T/sshd.log" 3>&-
    wait_until 10 sshd_settled
    [ ! -s "$T/sshd.pid" ] || return 0
    echo "port $SSH_PORT was taken, try $try"
    port=$(free_port)
    sed -i "s/$SSH_PORT/$port/" "$T/sshd_config" "$T/known"
    SSH_PORT=$port
    rm "$T/sshd.log"
  done
  return 1
}

# It listens, or somebody else has taken its port meanwhile.
sshd_settled() {
  [ -s "$T/sshd.pid" ] || grep -q 'Cannot bind' "$T/sshd.log"
}

sshd_stop() {
  local pid
  pid=$(cat "$T/sshd.pid" 2>/dev/null)
  [ -z "$pid" ] || kill "$pid" 2>/dev/null
  return 0
}
