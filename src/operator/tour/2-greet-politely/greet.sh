#!/bin/sh
# Prints a greeting for the person that is named.
set -eu
echo "Hello ${1:-world}, nice to see you"
