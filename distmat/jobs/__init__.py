"""All work in the background: one queue, one scheduler, processes of their own."""
