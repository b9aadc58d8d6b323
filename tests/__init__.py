"""Ours: without this file the `tests` that actions-toolkit installs would be taken for it."""
