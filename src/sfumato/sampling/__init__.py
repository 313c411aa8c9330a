"""From noise to pictures along a velocity. Numpy only."""
