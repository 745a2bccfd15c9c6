set title "Hourly bars: mean gain over VWAP, with 95 % intervals"
set xlabel "the order stays active for at least ... bars"
set ylabel "basis points"
set xrange [0.5:12.5]
set xtics 1
set xzeroaxis lc rgb "#555555"
plot data using ($1 - 0.1):2:3:4 with yerrorbars pt 7 lc rgb model title "model", \
	data using ($1 + 0.1):5:6:7 with yerrorbars pt 5 lc rgb rule title "stopping rule"
