"""Where results go: table files, folders of parts, images; cells that were read are written unchanged."""
