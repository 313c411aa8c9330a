"""Pictures as training sees them: folders and archives, patches, benchmark sets."""
