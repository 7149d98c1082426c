#!/usr/bin/env bash
# Runs test scenarios on the cluster of ./run_raft_cluster.sh: from a menu, or by ./test_scenarios.sh 1|2|3|4.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=scripts/cluster.sh
source scripts/cluster.sh

readonly HEALTH_SECONDS=60
readonly WRITE_SECONDS=30
readonly ELECTION_SECONDS=30
readonly CATCH_UP_SECONDS=60
readonly WRITES_BEFORE_FAILURE=20

# Part of all ids, so that the scenarios can be repeated on one cluster.
printf -v RUN '%(%H%M%S)T-%d' -1 "$$"
readonly RUN

# Status and body of the last answer.
STATUS=000
BODY=""

# ------------------------------------------------------------------ asking the API

# request METHOD NODE PATH [JSON [IDEMPOTENCY_KEY]]: sets STATUS and BODY. STATUS is 000 without an answer.
request() {
  local method="$1" url answer options=()
  url="$(node_url "$2")$3"
  [[ -z "${4:-}" ]] || options+=(-H 'Content-Type: application/json' -d "$4")
  [[ -z "${5:-}" ]] || options+=(-H "Idempotency-Key: $5")
  answer="$(curl -s --max-time 10 -X "$method" -w '\n%{http_code}' "${options[@]}" "$url")" || true
  STATUS="${answer##*$'\n'}"
  BODY="${answer%$'\n'*}"
}

# answers STATUS METHOD NODE PATH [JSON]: succeeds when the request gets this status.
answers() {
  local wanted="$1"
  shift
  request "$@"
  [[ "$STATUS" == "$wanted" ]]
}

# body_has FILTER: succeeds when this jq filter of the last answer is true.
body_has() {
  jq -e "$1" <<<"$BODY" >/dev/null 2>&1
}

# create NODE PATH ID JSON: repeats the request until it is acknowledged. The key makes the retry safe.
create() {
  wait_until "$WRITE_SECONDS" create_once "$@"
}

create_once() {
  request POST "$1" "$2" "$4" "$RUN-$3"
  [[ "$STATUS" == 201 ]]
}

add_printer() {
  create "$1" /api/v1/printers "$2" "{\"id\":\"$2\",\"company\":\"Prusa\",\"model\":\"MK3S+\"}"
}

# add_printers NODE PREFIX COUNT
add_printers() {
  local number
  for ((number = 1; number <= $3; number++)); do
    add_printer "$1" "$2-$number" || return 1
  done
}

# has_printers NODE PREFIX COUNT [QUERY]
has_printers() {
  local number
  for ((number = 1; number <= $3; number++)); do
    answers 200 GET "$1" "/api/v1/printers/$2-$number${4:-}" || return 1
  done
}

# ------------------------------------------------------------------ the nodes

# leader_seen_by NUMBER: prints the number of the leader that this node sees. Fails when it sees none.
leader_seen_by() {
  status_of "$1" | jq -er '.leader_id | select(. != "") | ltrimstr("node")'
}

# other_than NUMBER...: prints the lowest number of another node.
other_than() {
  local number
  for ((number = 1; number <= NODE_COUNT; number++)); do
    [[ " $* " == *" $number "* ]] || { echo "$number" && return; }
  done
}

# has_new_leader NODE OLD: succeeds when this node sees a leader other than the old one.
has_new_leader() {
  local leader
  leader="$(leader_seen_by "$1")" && [[ "$leader" != "$2" ]]
}

# end_node NUMBER SIGNAL
end_node() {
  local pid
  pid="$(node_pid "node$1")" || return 1
  kill "-$2" "$pid"
  wait_until "$HEALTH_SECONDS" process_is_gone "$pid"
}

restart_node() {
  local pane
  pane="$(tmux show-option -qv -t "=$SESSION:" "@node$1")"
  tmux send-keys -t "$pane" -l "$(node_command "$1")"
  tmux send-keys -t "$pane" Enter
}

# ------------------------------------------------------------------ reporting

# step DESCRIPTION COMMAND...
step() {
  local description="$1"
  shift
  if "$@"; then
    echo "  ${GREEN}ok${PLAIN}    $description"
  else
    echo "  ${RED}failed${PLAIN} $description"
    echo "         last answer: $STATUS $BODY"
    return 1
  fi
}

title() {
  echo
  echo "${BOLD}${BLUE}$1${PLAIN}"
}

# ------------------------------------------------------------------ scenarios

basic_workflow() {
  local printer="printer-$RUN" filament="filament-$RUN" job="job-$RUN" number
  step "a printer is added on node1" add_printer 1 "$printer" &&
    step "a filament is added on node2" create 2 /api/v1/filaments "$filament" \
      "{\"id\":\"$filament\",\"type\":\"PLA\",\"color\":\"Red\",\"total_weight_in_grams\":1000,\"remaining_weight_in_grams\":1000}" &&
    step "a print job is added on node3" create 3 /api/v1/print_jobs "$job" \
      "{\"id\":\"$job\",\"printer_id\":\"$printer\",\"filament_id\":\"$filament\",\"filepath\":\"/models/benchy.gcode\",\"print_weight_in_grams\":15}" &&
    step "the job is Queued" body_has '.status == "Queued"' &&
    step "the job cannot go from Queued to Done" answers 409 POST 1 "/api/v1/print_jobs/$job/status?status=Done" &&
    step "the job becomes Running" answers 200 POST 4 "/api/v1/print_jobs/$job/status?status=Running" &&
    step "the job becomes Done" answers 200 POST 1 "/api/v1/print_jobs/$job/status?status=Done" || return 1
  for ((number = 1; number <= NODE_COUNT; number++)); do
    step "node$number lists the printer" answers 200 GET "$number" /api/v1/printers &&
      step "node$number lists the printer once" body_has "[.[] | select(.id == \"$printer\")] | length == 1" &&
      step "node$number has the job" answers 200 GET "$number" "/api/v1/print_jobs/$job" &&
      step "on node$number the job is Done" body_has '.status == "Done"' &&
      step "node$number has the filament" answers 200 GET "$number" "/api/v1/filaments/$filament" &&
      step "on node$number 985 g of the filament remain" body_has '.remaining_weight_in_grams == 985' || return 1
  done
}

node_failure() {
  local leader victim witness
  leader="$(leader_seen_by 1)" || { step "node1 sees a leader" false || return 1; }
  victim="$(other_than 1 "$leader")"
  witness="$(other_than "$victim")"
  step "a printer is added while all nodes are up" add_printers "$witness" "before-$RUN" 1 &&
    step "the follower node$victim is stopped" end_node "$victim" TERM &&
    step "writes go on without node$victim" add_printers "$witness" "during-$RUN" 5 &&
    step "reads go on without node$victim" has_printers "$leader" "during-$RUN" 5 &&
    step "node$victim is started again in its pane" restart_node "$victim" &&
    step "node$victim has caught up with the writes it missed" \
      wait_until "$CATCH_UP_SECONDS" has_printers "$victim" "during-$RUN" 5 '?consistency=stale' &&
    step "node$victim accepts writes" add_printers "$victim" "after-$RUN" 1 &&
    step "all nodes are healthy voters" wait_until "$HEALTH_SECONDS" cluster_is_complete
}

leader_failure() {
  local leader witness next began
  leader="$(leader_seen_by 1)" || { step "node1 sees a leader" false || return 1; }
  witness="$(other_than "$leader")"
  step "$WRITES_BEFORE_FAILURE printers are added and acknowledged" \
    add_printers "$witness" "acknowledged-$RUN" "$WRITES_BEFORE_FAILURE" &&
    step "the leader node$leader is killed with -9" end_node "$leader" KILL || return 1
  began="$SECONDS"
  step "the others elect a new leader" wait_until "$ELECTION_SECONDS" has_new_leader "$witness" "$leader" || return 1
  next="$(leader_seen_by "$witness")" || next="gone again"
  echo "         node$next leads after about $((SECONDS - began)) s"
  step "writes go on" add_printers "$witness" "new-leader-$RUN" 5 &&
    step "every acknowledged write is there" \
      has_printers "$witness" "acknowledged-$RUN" "$WRITES_BEFORE_FAILURE" &&
    step "node$leader is started again in its pane" restart_node "$leader" &&
    step "node$leader has caught up with the writes it missed" \
      wait_until "$CATCH_UP_SECONDS" has_printers "$leader" "new-leader-$RUN" 5 '?consistency=stale' &&
    step "node$leader has every write that was acknowledged before" \
      has_printers "$leader" "acknowledged-$RUN" "$WRITES_BEFORE_FAILURE" '?consistency=stale' &&
    step "all nodes are healthy voters" wait_until "$HEALTH_SECONDS" cluster_is_complete
}

# ------------------------------------------------------------------ choosing and running

PASSED=0
FAILED=0

# scenario TITLE FUNCTION
scenario() {
  title "$1"
  if "$2"; then
    PASSED=$((PASSED + 1))
    echo "${GREEN}${BOLD}PASS${PLAIN} $1"
  else
    FAILED=$((FAILED + 1))
    echo "${RED}${BOLD}FAIL${PLAIN} $1"
  fi
}

run_choice() {
  case "$1" in
    1 | 4) scenario "Basic Workflow Test" basic_workflow ;;&
    2 | 4) scenario "Node Failure and Recovery Test" node_failure ;;&
    3 | 4) scenario "Leader Failure and Election Test" leader_failure ;;&
  esac
}

print_menu() {
  cat <<TEXT

${BOLD}Raft3D test scenarios${PLAIN}
  1. Basic Workflow Test
  2. Node Failure and Recovery Test
  3. Leader Failure and Election Test
  4. Run All Tests
TEXT
}

need tmux jq curl
(($# <= 1)) || die "usage: ./test_scenarios.sh [1|2|3|4]"
choice="${1:-}"
if [[ -z "$choice" ]]; then
  print_menu
  read -r -p "Choice [1-4]: " choice || die "nothing was chosen"
fi
[[ "$choice" =~ ^[1-4]$ ]] || die "\"$choice\" is not a scenario: choose 1, 2, 3 or 4"

session_exists || die "there is no tmux session $SESSION: start the cluster with ./run_raft_cluster.sh"
echo "waiting for $NODE_COUNT healthy voters and a leader ..."
wait_until "$HEALTH_SECONDS" cluster_is_complete ||
  die "the cluster is not healthy: see curl -s $(node_url 1)/cluster/status | jq"
echo "the cluster is healthy, node$(leader_seen_by 1) leads"

run_choice "$choice"

echo
echo "${BOLD}$PASSED passed, $FAILED failed${PLAIN}"
((FAILED == 0))
