"""The proofs: each asks one question of an image from outside, and says for each promise whether it held."""
