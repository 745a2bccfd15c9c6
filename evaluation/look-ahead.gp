set title "Hourly bars: the same model in both alignments"
set xlabel "the order stays active for at least ... bars"
set ylabel "mean gain over VWAP, basis points"
set yrange [0 < *:]
set xrange [0.5:12.5]
set xtics 1
set xzeroaxis lc rgb "#555555"
plot data using 1:3 with linespoints pt 4 lc rgb rule title "published alignment (cannot be traded)", \
	data using 1:2 with linespoints pt 7 lc rgb model title "causal"
