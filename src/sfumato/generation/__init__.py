"""New pictures from noise."""
