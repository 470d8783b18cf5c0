#!/bin/sh
# Installs ph, the companion of the forge at @ORIGIN@, as one file:
#   curl -fsSL @ORIGIN@/ph | sh
# It needs Node 22 or newer, and installs nothing else. PH_INSTALL_DIR chooses another folder than ~/.local/bin.
# Run it again to update. The program itself begins below, after the line with END_OF_PH.
set -eu

# A function, so that a download that was cut off does nothing at all.
install_ph() {
  version=$(node --version 2>/dev/null || echo none)
  major=${version#v}
  major=${major%%.*}
  case $major in '' | *[!0-9]*) major=0 ;; esac
  if [ "$major" -lt 22 ]; then
    echo "ph needs Node 22 or newer and found $version. Install Node (https://nodejs.org), then run this again." >&2
    exit 2
  fi
  folder=${PH_INSTALL_DIR:-$HOME/.local/bin}
  mkdir -p "$folder"
  new=$folder/.ph.$$
  trap 'rm -f "$new"' EXIT
  cat >"$new" <<'END_OF_PH'
@PROGRAM@
END_OF_PH
  chmod 755 "$new"
  mv -f "$new" "$folder/ph"
  trap - EXIT
  echo "ph @VERSION@ is installed as $folder/ph and knows the forge at @ORIGIN@."
  case :$PATH: in
    *:"$folder":*) echo 'Next: ph login' ;;
    *) echo "$folder is not in PATH. Add it, or call $folder/ph. Next: $folder/ph login" ;;
  esac
}
install_ph
