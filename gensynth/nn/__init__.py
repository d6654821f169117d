"""Building blocks that any plugin may import: networks, densities, losses, penalties."""
