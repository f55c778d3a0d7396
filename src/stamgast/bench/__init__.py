"""Speeds, each as a ratio to a baseline that ran in the same minute on the same machine."""
