#!/usr/bin/env bash
# Builds dist/ when it is missing, or when anything in src/ has changed since its sources were read.
set -euo pipefail
root="$(cd -P "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

# -cnewer sees when the kernel changed a file, also where a copy has kept an old modification time.
if [[ ! -d "$root/node_modules" || ! -d "$root/dist" ]] ||
  [[ -n "$(find "$root/src" -cnewer "$root/dist" -print -quit 2>/dev/null)" ]]; then
  exec node "$root/scripts/build.mjs"
fi
