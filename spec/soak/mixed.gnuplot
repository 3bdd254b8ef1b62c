# mixed.gnuplot: memory and counts of a long run of many kinds of work
# Reads build/soak/mixed.data (its first line names the columns), writes
# build/soak/mixed.svg.

set terminal svg size 960,720 font "sans-serif,13" background "white"
set output "build/soak/mixed.svg"
set multiplot layout 3,1 title "Many kinds of work at once in one process, sampled while idle"
set grid
set key outside right center
set lmargin 10
set rmargin 30
set xrange [0:*]
set yrange [0:*]
set format x ""
data = "build/soak/mixed.data"

set ylabel "MB"
plot data using ($1/60):6 with lines linewidth 2 linecolor "#4c78a8" title "resident memory", \
  "" using ($1/60):7 with lines linewidth 2 linecolor "#f58518" title "Lua's memory"

set ylabel "number"
plot data using ($1/60):9 with lines linewidth 2 linecolor "#4c78a8" title "mappings", \
  "" using ($1/60):10 with lines linewidth 2 linecolor "#f58518" title "open handles", \
  "" using ($1/60):11 with lines linewidth 2 linecolor "#54a24b" title "OS threads", \
  "" using ($1/60):12 with lines linewidth 2 linecolor "#e45756" title "mounted threads"

set ylabel "millions"
set xlabel "minutes"
set format x "%.0f"
plot data using ($1/60):($3/1e6) with lines linewidth 2 linecolor "#4c78a8" title "yields so far", \
  "" using ($1/60):($4/1e6) with lines linewidth 2 linecolor "#888888" title "stacks made so far"
unset multiplot
