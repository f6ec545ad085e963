/**
  The files that builds start from. None has an address here: `./nixw fetch` brings each into the store by its hash,
  with the machine's own clients. A fixed output that is already in the store is never built; the builder below is
  there to say what is wrong when it is not.
*/
let
  pins = builtins.fromJSON (builtins.readFile ./debs.json);

  /**
    A file that must be in the store already, as nixpkgs' requireFile.

    Type: requiredFile :: { name : String, sha256 : String, recursive ? Bool } -> Derivation
    Example: requiredFile { name = "idna-3.20-py3-none-any.whl"; sha256 = "…"; }
  */
  requiredFile =
    {
      name,
      sha256,
      recursive ? false,
    }:
    derivation {
      inherit name;
      # Nothing in the store can print a sentence yet, so the address that cannot be read is the sentence.
      system = "builtin";
      builder = "builtin:fetchurl";
      url = "${name}, which ./nixw fetch brings into the store";
      executable = false;
      unpack = false;
      outputHashAlgo = "sha256";
      outputHashMode = if recursive then "recursive" else "flat";
      outputHash = sha256;
      preferLocalBuild = true;
    };

  # Debian's versions may hold a ~, which no store path may.
  storeNameOf = path: builtins.replaceStrings [ "~" ] [ "-" ] (baseNameOf path);

  pinOf = name: pin: {
    inherit (pin) path sha256 size;
    inherit (pins) suite component;
    name = storeNameOf pin.path;
    kind = "deb";
    requirement = "${name} ${pin.version}";
  };

  bootstrap = pins.packages.${pins.bootstrap.package};
in
{
  inherit requiredFile;

  # Package name → { version, path, sha256, file }; the path is the one in Debian's pool.
  debs = builtins.mapAttrs (_name: pin: {
    inherit (pin) version path sha256;
    file = requiredFile {
      name = storeNameOf pin.path;
      inherit (pin) sha256;
    };
  }) pins.packages;

  # The one program that the fetch step itself takes out of its package, as an executable file.
  busybox = requiredFile {
    inherit (pins.bootstrap) name;
    sha256 = pins.bootstrap.nar_sha256;
    recursive = true;
  };

  # What the fetch step is to bring; of the bootstrap's package only the program is needed.
  list =
    map (name: pinOf name pins.packages.${name}) (
      builtins.filter (name: name != pins.bootstrap.package) (builtins.attrNames pins.packages)
    )
    ++ [
      (
        pinOf pins.bootstrap.package bootstrap
        // {
          inherit (pins.bootstrap) name member;
          narSha256 = pins.bootstrap.nar_sha256;
          kind = "member";
        }
      )
    ];
}
