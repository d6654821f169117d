"""Building blocks for images that belong to rows: convolutions, pixel likelihoods, features, augmentation."""
