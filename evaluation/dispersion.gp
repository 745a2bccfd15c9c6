set title "Hourly bars: mean gain over VWAP and its dispersion, by minimum duration"
set xlabel "standard deviation, basis points"
set ylabel "mean, basis points"
set offsets graph 0.04, graph 0.04, graph 0.04, graph 0.04
set key top left
plot data using 2:3 with linespoints pt 7 lc rgb model title "model", \
	data using 2:3:1 with labels offset 0,0.9 tc rgb model notitle, \
	data using 4:5 with linespoints pt 5 lc rgb rule title "stopping rule", \
	data using 4:5:1 with labels offset 0,-0.9 tc rgb rule notitle
