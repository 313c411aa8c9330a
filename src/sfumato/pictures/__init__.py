"""Picture files and their pixels: the only door to libvips."""
