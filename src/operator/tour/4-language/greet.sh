#!/bin/sh
# Prints a greeting for the person that is named, in the language that is asked for:
#   greet.sh [--language de|en|es|fr] [NAME]
set -eu
. "$(dirname "$0")/greetings.sh"

language=en
if [ "${1:-}" = --language ]; then
  language=${2:?name a language}
  shift 2
fi

if ! text=$(greeting "$language"); then
  echo "greet: '$language' is no language we know; try de, en, es or fr" >&2
  exit 2
fi
printf "$text\n" "${1:-world}"
