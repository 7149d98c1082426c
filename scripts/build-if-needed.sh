#!/usr/bin/env bash
# Builds dist/ when it is missing or older than a file or directory in src/.
set -euo pipefail
root="$(cd -P "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

# Modification times: a new owner or mode, as after an installation by root, must not need another build.
if [[ ! -d "$root/node_modules" || ! -d "$root/dist" ]] ||
  [[ -n "$(find "$root/src" -newer "$root/dist" -print -quit 2>/dev/null)" ]]; then
  exec node "$root/scripts/build.mjs"
fi
