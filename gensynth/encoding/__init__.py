"""Tables as codes and numbers, and back; the layout that models are built from."""
