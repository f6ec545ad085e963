"""What containers do on the network, seen from this machine: asked from within, and watched from the bridge."""
