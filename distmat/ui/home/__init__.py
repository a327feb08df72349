"""The pieces of the page that one meets first."""
