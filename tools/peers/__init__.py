"""Engines that `tools/compare.py` times beside this project: one worker process each."""
