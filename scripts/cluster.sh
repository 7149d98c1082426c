# shellcheck shell=bash
# Sourced by the three scripts at the root: the place of their cluster, and functions that they share.
#
# These variables change the place:
#   RAFT3D_SESSION    name of the tmux session           (raft3d)
#   RAFT3D_HTTP_PORT  HTTP port of node1; node2 has the next, and so on (8080)
#   RAFT3D_RAFT_PORT  Raft port of node1, likewise       (7000)
#   RAFT3D_DATA       data directory                     (./data)
#   RAFT3D_LOGS       log directory                      (./logs)

readonly SESSION="${RAFT3D_SESSION:-raft3d}"
readonly HTTP_PORT="${RAFT3D_HTTP_PORT:-8080}"
readonly RAFT_PORT="${RAFT3D_RAFT_PORT:-7000}"
readonly DATA="${RAFT3D_DATA:-./data}"
readonly LOGS="${RAFT3D_LOGS:-./logs}"
# shellcheck disable=SC2034 # used by the scripts that source this file
readonly NODE_COUNT=4

RED="" GREEN="" BLUE="" BOLD="" PLAIN=""
if [[ -t 1 ]]; then
  RED=$'\e[31m' GREEN=$'\e[32m' BLUE=$'\e[34m' BOLD=$'\e[1m' PLAIN=$'\e[0m'
fi
# shellcheck disable=SC2034 # used by the scripts that source this file
readonly RED GREEN BLUE BOLD PLAIN

die() {
  echo "${RED}$*${PLAIN}" >&2
  exit 1
}

# need COMMAND...: ends the script unless all commands are installed, with the command that installs them.
need() {
  local command missing=()
  for command in "$@"; do
    command -v "$command" >/dev/null || missing+=("$command")
  done
  if ((${#missing[@]} > 0)); then
    die "missing: ${missing[*]}; install with: sudo apt-get install -y ${missing[*]}"
  fi
}

# wait_until SECONDS COMMAND...: repeats the command until it succeeds. Fails when the time is over.
wait_until() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < deadline)) || return 1
    sleep 0.2
  done
}

node_url() {
  echo "http://127.0.0.1:$((HTTP_PORT + $1 - 1))"
}

# node_command NUMBER: prints the command line of a node. node1 starts the cluster; with state it rejoins.
node_command() {
  local entry=(-join "127.0.0.1:$HTTP_PORT")
  (($1 > 1)) || entry=(-bootstrap)
  printf '%q ' ./raft3d -id "node$1" \
    -http "127.0.0.1:$((HTTP_PORT + $1 - 1))" -raft "127.0.0.1:$((RAFT_PORT + $1 - 1))" \
    -data "$DATA" -logs "$LOGS" -console-level info -file-level debug "${entry[@]}"
}

command_line_of() {
  if [[ -d /proc/self ]]; then
    tr '\0' ' ' 2>/dev/null <"/proc/$1/cmdline"
  else
    ps -o command= -p "$1"
  fi
}

# node_pid ID: prints the process id of this node on our data directory. Fails when the node does not run. The
# recorded process id may belong to another program by now: it counts only with the command line of the node.
node_pid() {
  local pid arguments
  pid="$(cat "$DATA/$1/pid" 2>/dev/null)" || return 1
  [[ "$pid" =~ ^[0-9]+$ ]] || return 1
  arguments="$(command_line_of "$pid")" || return 1
  [[ "$arguments" == *"/dist/server/main.js "* ]] || return 1
  [[ "$arguments " == *"-id $1 "* || "$arguments " == *"-id=$1 "* ]] || return 1
  echo "$pid"
}

process_is_gone() {
  ! kill -0 "$1" 2>/dev/null
}

status_of() {
  curl -sf --max-time 2 "$(node_url "$1")/cluster/status"
}

# node_sees_all NUMBER: succeeds when this node knows a leader and sees every node as a healthy voter.
node_sees_all() {
  status_of "$1" | jq -e --argjson count "$NODE_COUNT" \
    '.leader_id != "" and ([.nodes[] | select(.role == "voter" and .healthy)] | length) == $count' >/dev/null
}

cluster_is_complete() {
  local number
  for ((number = 1; number <= NODE_COUNT; number++)); do
    node_sees_all "$number" || return 1
  done
}

session_exists() {
  tmux has-session -t "=$SESSION" 2>/dev/null
}
