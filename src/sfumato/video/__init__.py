"""Clips: video files, numbered frames and animated pictures, restored frame by frame in bounded memory."""
