"""Building blocks for images: convolutions, pixel likelihoods, features, augmentation."""
