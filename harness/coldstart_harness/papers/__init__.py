"""An image's papers: what is in it, down to the last store path, and under which licences."""
