"""Run jobs at their times on one host of their group: the program in the scheduler's container."""
