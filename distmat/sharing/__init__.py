"""What a lab shares on the hub: trained models and datasets, each with a card."""
