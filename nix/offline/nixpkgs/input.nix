# What a flake sees as its input `nixpkgs`: `import nixpkgs { … }`, `nixpkgs.lib`, `.legacyPackages`; and the pins.
{
  outPath = ./.;
  lib = import ./lib;
  legacyPackages.x86_64-linux = import ./. { system = "x86_64-linux"; };
  pins = (import ../pins).list;
}
