set title "Model less stopping rule, at least 6 bars, with 95 % intervals"
set xlabel "standard deviations of a bar's return"
unset key
unset grid
set grid xtics lc rgb "#dddddd"
set yrange [] reverse
set offsets 0, 0, 0.5, 0.5
set arrow from 0, graph 0 to 0, graph 1 nohead lc rgb "#555555"
plot data using 2:0:3:4:ytic(1) with xerrorbars pt 7 lc rgb model
