# The builder of every derivation of stdenv.
# shellcheck source=/dev/null
. "$stdenv/setup"
genericBuild
