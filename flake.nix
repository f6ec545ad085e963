{
  description = "Python inference services as layered OCI images, and the proof of how they start";

  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-24.11";
    # Keeps its own nixpkgs: it wants a newer Go than 24.11 has.
    nix2container.url = "github:nlewo/nix2container";
    poetry2nix = {
      url = "github:nix-community/poetry2nix";
      inputs.nixpkgs.follows = "nixpkgs";
    };
  };

  outputs =
    inputs:
    import ./nix (
      inputs
      // {
        # Licenses that ask to be accepted, by the name that the catalogue gives them (nix/models/catalogue/).
        acceptedLicenses = [ ];
      }
    );
}
