"""What arguments and options mean: declared for typer, parsed, checked before anything is read."""
