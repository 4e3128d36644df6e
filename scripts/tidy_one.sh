#!/bin/bash
# clang-tidy on one file, its findings printed in one piece so that parallel runs do not mix.
output=$(clang-tidy-19 -p build --quiet --extra-arg=-Wno-unknown-warning-option "$1" 2> /dev/null)
status=$?
if [[ -n $output ]]; then printf '%s\n' "$output"; fi
if [[ $status -ne 0 && -z $output ]]; then echo "$1: error: clang-tidy ended with $status"; fi
[[ $status -eq 0 ]]
