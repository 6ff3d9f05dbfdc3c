"""Every part is killed, frozen and restarted while clients work; then an independent checker looks for what was lost.

make chaos                        100 kills, on a suite of its own with three MongoDB members
make chaos KILLS=20 SEED=7
make chaos SABOTAGE=inbox         with a guard taken away: the checker must find what comes of it
"""
