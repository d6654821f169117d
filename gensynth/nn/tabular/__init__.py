"""Building blocks of models of tables: embeddings, causal networks, decoders, heads, scalings, statistics."""
