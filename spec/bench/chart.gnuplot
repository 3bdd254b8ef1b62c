# chart.gnuplot: one bar for each ratio to stock coroutines, with its spread
# Reads build/bench.data (title, ratio, low, high), writes build/bench.svg.

set terminal svg noenhanced size 960,700 font "sans-serif,13" background "white"
set output "build/bench.svg"
set title "Time or memory relative to Lua's own coroutines (less is better)"
set xrange [0:*]
set yrange [*:*] reverse
set offsets 0, 0.2, 0.6, 0.6
set grid x
set ytics scale 0
set style fill solid 0.9
set arrow 1 from 1, graph 0 to 1, graph 1 nohead linewidth 2 linecolor "#888888" front
plot "build/bench.data" \
  using ($2 / 2):0:(0):2:($0 - 0.33):($0 + 0.33):yticlabels(1) \
  with boxxyerror linecolor "#4c78a8" notitle, \
  "" using 2:0:3:4 with xerrorbars linecolor "#333333" pointtype 0 notitle, \
  "" using 4:0:(sprintf(" %.2f", $2)) with labels left notitle
