"""The web page: plain HTML, CSS and ES modules in static/, which talk to the HTTP API and to nothing else."""
