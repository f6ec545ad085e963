"""`push`: an image of the plan, and its papers, into a registry."""
