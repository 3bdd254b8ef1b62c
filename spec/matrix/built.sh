#!/bin/sh
# built.sh: make for a root without make, in which everything is built
switch=native
for argument; do
  case $argument in
    SWITCH=*) switch=${argument#SWITCH=} ;;
    env) cat "build/env.$switch" ;;
  esac
done
