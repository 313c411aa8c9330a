"""How damaged a picture is, read from the picture."""
