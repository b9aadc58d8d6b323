"""One file for each way to show a report. They render what it says, and decide nothing."""
