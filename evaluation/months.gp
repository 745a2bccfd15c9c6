set title "Hourly bars, at least 6 bars: mean gain over VWAP by month"
set xdata time
set timefmt "%Y-%m"
set format x "%Y-%m"
set ylabel "basis points"
set yrange [0 < *:*]
set offsets 0, 0, graph 0.2, 0
set xzeroaxis lc rgb "#555555"
plot data using 1:2 with linespoints pt 7 lc rgb model title "model", \
	data using 1:3 with linespoints pt 5 lc rgb rule title "stopping rule"
