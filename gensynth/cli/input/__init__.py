"""What a command reads: tables, images, weights and fitted models."""
