#!/usr/bin/env bash
# Stops the nodes of the data directory and empties the data and log directories.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=scripts/cluster.sh
source scripts/cluster.sh

readonly STOP_SECONDS=15
readonly KILL_SECONDS=10

# A slip in RAFT3D_DATA or RAFT3D_LOGS must not empty a home directory or a repository.
refuse_precious() {
  local directory
  directory="$(cd "$1" 2>/dev/null && pwd -P)" || return 0
  if [[ "$directory" == / || "$directory" == "$(cd ~ && pwd -P)" || "$PWD/" == "$directory/"* || -e "$directory/.git" ]]; then
    die "$1 is not a directory for Raft3D alone: choose another with RAFT3D_DATA or RAFT3D_LOGS; nothing was removed"
  fi
}

stop_node() {
  local id="$1" pid
  pid="$(node_pid "$id")" || return 0
  echo "stopping $id (process $pid)"
  kill -TERM "$pid" 2>/dev/null || return 0
  if ! wait_until "$STOP_SECONDS" process_is_gone "$pid"; then
    echo "$id does not stop; killing it"
    kill -KILL "$pid" 2>/dev/null || return 0
    wait_until "$KILL_SECONDS" process_is_gone "$pid" || die "process $pid of $id cannot be killed: kill it, then run this script again"
  fi
}

empty() {
  mkdir -p "$1"
  find "$1" -mindepth 1 -delete
}

refuse_precious "$DATA"
refuse_precious "$LOGS"
for file in "$DATA"/*/pid; do
  [[ -e "$file" ]] || continue
  stop_node "$(basename "$(dirname "$file")")"
done
empty "$DATA"
empty "$LOGS"
sync
echo "${GREEN}$DATA and $LOGS are empty${PLAIN}"
