#!/bin/sh
# Fails with the difference when a greeting is not what we promised.
set -eu
cd "$(dirname "$0")/.."

expect() {
  wanted=$1
  shift
  got=$(sh greet.sh "$@")
  if [ "$got" = "$wanted" ]; then
    echo "ok      greet $*"
  else
    echo "FAILED  greet $*: wanted '$wanted', got '$got'"
    exit 1
  fi
}

expect 'Hello world'
expect 'Hello Ada' Ada
