# What the figures share; they get the variables data and image.
set terminal svg size 760,420 font "sans-serif,13" background "#ffffff"
set output image
set border 3 lc rgb "#555555"
set tics nomirror
set rmargin 5
set grid ytics lc rgb "#dddddd"
set key top right
model = "#1b5e9e"
rule = "#c8641e"
