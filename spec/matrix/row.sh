#!/bin/sh
# row.sh: runs one row of the matrix, keeps its log and its result
#
#   build/matrix/NAME.log     what the command wrote
#   build/matrix/NAME.result  "passed|failed|skipped SECONDS FORM", a line with the counts
#                             of its tests, or with the reason
#
# usage: FORM=short|full LIMIT=minutes row.sh NAME COMMAND...

name=$1
shift
log=build/matrix/$name.log result=build/matrix/$name.result
rm -f "$result"
printf '%-12s runs, %s\n' "$name" "$log"

begin=$(date +%s)
# 'timeout' hands on what ends it to the command, which a terminal does not reach.
timeout --kill-after=60 "${LIMIT}m" "$@" >"$log" 2>&1 </dev/null &
job=$!
trap 'kill $job; wait $job; exit 130' HUP INT TERM
wait $job
status=$?
seconds=$(($(date +%s) - begin))

case $status in
  0) how=passed ;;
  77) how=skipped why=$(tail -n 1 "$log") ;;
  124 | 137) how=failed why="not ready after $LIMIT minutes" ;;
  *) how=failed why="exit status $status" ;;
esac
if [ $how != skipped ]; then
  counts=$(awk -v broken=0 -f spec/count.awk "$log" | tail -n 1)
  case $how$counts in
    "passed0 "*) how=failed why='no test ran' ;;
    *" 0 failed"*) ;;
    *) how=failed why= ;;
  esac
  why="$counts${why:+, $why}"
fi
printf '%s %s\n%s\n' "$how" "$seconds $FORM" "$why" >"$result"
if [ $how = failed ]; then
  grep -A 12 -E '^(Failure|Error) ->|^\[  FAILED' "$log" | head -n 100
  tail -n 5 "$log"
fi
printf '%-12s %s, %d min: %s\n' "$name" "$how" $(((seconds + 30) / 60)) "$why"
