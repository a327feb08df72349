"""A prediction as files to take home."""
