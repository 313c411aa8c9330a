"""The HTTP service: requests become items of a queue, worker processes run the pipelines on them."""
