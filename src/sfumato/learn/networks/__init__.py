"""Families of networks, one a file, each with its frozen Config beside it; `learn.catalog` lists them."""
