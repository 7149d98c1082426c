#!/usr/bin/env bash
# Starts a fresh cluster of four nodes in a tmux session: nodes on the left, a pane for commands on the right.
# With RAFT3D_NO_ATTACH=1, or without a terminal, the session stays in the background.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=scripts/cluster.sh
source scripts/cluster.sh

readonly FORMING_SECONDS=90

print_examples() {
  local first second
  first="$(node_url 1)"
  second="$(node_url 2)"
  cat <<TEXT

${BOLD}Raft3D: four nodes on the left, your commands here${PLAIN}

${BLUE}# run the test scenarios${PLAIN}
./test_scenarios.sh

${BLUE}# the leader and the members${PLAIN}
curl -s $first/cluster/status | jq

${BLUE}# add a printer, a filament, a print job; any node accepts any request${PLAIN}
curl -X POST -H "Content-Type: application/json" -d '{"id":"printer1","company":"Prusa","model":"MK3S+"}' $first/api/v1/printers
curl -X POST -H "Content-Type: application/json" -d '{"id":"filament1","type":"PLA","color":"Red","total_weight_in_grams":1000,"remaining_weight_in_grams":1000}' $second/api/v1/filaments
curl -X POST -H "Content-Type: application/json" -d '{"id":"job1","printer_id":"printer1","filament_id":"filament1","filepath":"/models/benchy.gcode","print_weight_in_grams":15}' $first/api/v1/print_jobs
curl -X POST "$first/api/v1/print_jobs/job1/status?status=Running"
curl -s $second/api/v1/print_jobs | jq

${BLUE}# tmux: Ctrl+B D detaches; this ends the session:${PLAIN}
tmux kill-session -t $SESSION

TEXT
}

ports_are_free() {
  local number port busy=()
  for ((number = 0; number < NODE_COUNT; number++)); do
    for port in $((HTTP_PORT + number)) $((RAFT_PORT + number)); do
      if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then busy+=("$port"); fi
    done
  done
  ((${#busy[@]} == 0)) || die "port ${busy[*]} is in use: stop the program that listens there, or choose other ports with RAFT3D_HTTP_PORT and RAFT3D_RAFT_PORT"
}

# open_pane TMUX_COMMAND...: opens a pane with a plain shell, and prints its id.
open_pane() {
  tmux "$@" -P -F '#{pane_id}' -c "$PWD" \
    env PATH="$PATH" HISTFILE= RAFT3D_SESSION="$SESSION" RAFT3D_HTTP_PORT="$HTTP_PORT" RAFT3D_RAFT_PORT="$RAFT_PORT" \
    RAFT3D_DATA="$DATA" RAFT3D_LOGS="$LOGS" bash --norc --noprofile
}

type_in() {
  tmux send-keys -t "$1" -l "$2"
  tmux send-keys -t "$1" Enter
}

open_session() {
  local panes=() commands number
  panes[1]="$(open_pane new-session -d -s "$SESSION" -x 220 -y 60)"
  commands="$(open_pane split-window -h -l 55% -t "${panes[1]}")"
  panes[2]="$(open_pane split-window -v -l 75% -t "${panes[1]}")"
  panes[3]="$(open_pane split-window -v -l 67% -t "${panes[2]}")"
  panes[4]="$(open_pane split-window -v -l 50% -t "${panes[3]}")"
  tmux set-option -w -t "$commands" pane-border-status top
  tmux set-option -w -t "$commands" pane-border-format ' #{pane_title} '
  tmux set-option -t "=$SESSION:" mouse on
  for ((number = 1; number <= NODE_COUNT; number++)); do
    # test_scenarios.sh finds the panes by these options.
    tmux set-option -t "=$SESSION:" "@node$number" "${panes[number]}"
    tmux select-pane -t "${panes[number]}" -T "Node $number$( ((number > 1)) && echo ' (Follower)' || echo ' (Bootstrap)')"
    type_in "${panes[number]}" "$(node_command "$number")"
  done
  tmux select-pane -t "$commands" -T 'Commands'
  tmux select-pane -t "$commands"
  type_in "$commands" "clear; ./run_raft_cluster.sh --examples"
}

show_panes() {
  local number
  for ((number = 1; number <= NODE_COUNT; number++)); do
    echo "--- node$number, last lines:"
    tmux capture-pane -p -t "$(tmux show-option -qv -t "=$SESSION:" "@node$number")" | grep -v '^ *$' | tail -n 5 || true
  done
}

attach() {
  if [[ -n "${RAFT3D_NO_ATTACH:-}" || ! -t 0 || ! -t 1 ]]; then
    echo "attach with: tmux attach-session -t $SESSION"
  elif [[ -n "${TMUX:-}" ]]; then
    exec tmux switch-client -t "=$SESSION"
  else
    exec tmux attach-session -t "=$SESSION"
  fi
}

if [[ "${1:-}" == --examples ]]; then
  print_examples
  exit
fi
(($# == 0)) || die "usage: ./run_raft_cluster.sh"
need tmux jq curl node
scripts/build-if-needed.sh
if [[ -n "${TMUX:-}" && "$(tmux display-message -p '#S')" == "$SESSION" ]]; then
  die "this terminal is in the session $SESSION, which the script replaces: detach first (Ctrl+B, then D)"
fi
./reset_data.sh
if session_exists; then tmux kill-session -t "=$SESSION"; fi
ports_are_free
open_session
echo "waiting for $NODE_COUNT voters and a leader ..."
if ! wait_until "$FORMING_SECONDS" cluster_is_complete; then
  show_panes
  die "the nodes formed no cluster within $FORMING_SECONDS s; look at them with: tmux attach-session -t $SESSION"
fi
echo "${GREEN}the cluster is up: $(status_of 1 | jq -r .leader_id) leads, node1 is $(node_url 1)${PLAIN}"
attach
