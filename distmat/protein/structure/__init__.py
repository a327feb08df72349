"""Structure files: PDB, mmCIF and BinaryCIF, read and written by biotite."""
