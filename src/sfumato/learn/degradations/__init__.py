"""Forward models of damage: clean picture in, degraded picture and every parameter out, all from one generator."""
