"""Set up a training run and start it in the background."""

from distmat.ui.train.page import show_train

show_train()
