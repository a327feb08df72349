"""The shape of profiles as a network reads them; nothing here needs PyTorch."""

PROFILE_FEATURES = 22
"""Of a residue, where a profile is read: the frequencies of the 20 amino acids among its relatives,
the share of them that have a gap there, and how many sequences the profile is worth."""

PROFILE_WINDOW, PROFILE_WIDTH = 9, 128
"""Residues that each convolution over a profile looks at, and channels between the two."""
