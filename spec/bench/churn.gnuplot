# churn.gnuplot: resident memory while waves of fibers are suspended and dropped
# Reads build/churn.data (fibers made, MB; two blocks), writes build/churn.svg.

set terminal svg size 960,360 font "sans-serif,13" background "white"
set output "build/churn.svg"
set title "Resident memory while waves of 10,000 are suspended and dropped"
set xlabel "made so far"
set ylabel "MB"
set format x "%.0f"
set yrange [0:*]
set grid
set key top left
plot "build/churn.data" index 0 using 1:2 with lines linewidth 2 linecolor "#4c78a8" \
  title "fibers suspended below a C frame", \
  "" index 1 using 1:2 with lines linewidth 2 linecolor "#888888" \
  title "stock coroutines"
