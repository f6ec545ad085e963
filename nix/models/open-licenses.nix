# SPDX names of the licenses under which a model may be built into an image without anybody accepting anything. A model
# of any other license needs its name in acceptedLicenses (flake.nix).
[
  "Apache-2.0"
  "GPL-3.0-or-later"
  "MIT"
]
