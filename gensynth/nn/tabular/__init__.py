"""Building blocks for tables: embeddings, causal networks, decoders, heads, scalings, statistics."""
