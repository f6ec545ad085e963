{ self, ... }:
/**
  The names of the locked packages that an installation with these extras and dependency groups holds on this kind of
  machine, in the lock's order.

  A lock of version 2.1 says of each package which groups want it, and under which condition: one marker for all of
  its groups, or one a group. A group that is not mentioned wants it always. That is all that Poetry itself looks at,
  so no dependency needs to be followed.

  # Type

  ```
  lockedNamesOf ::
    { packages :: [LockedPackage]; groups :: [String]; extras :: [String]; environment :: { variable :: String; }; }
    -> [String]
  ```

  # Example

  ```nix
  lockedNamesOf {
    packages = [ { name = "numpy"; groups = [ "main" ]; markers = "extra == 'wheel'"; } ];
    groups = [ "main" ];
    extras = [ "wheel" ];
    environment = { };
  }
  => [ "numpy" ]
  ```
*/
{
  packages,
  groups,
  extras,
  environment,
}:
let
  holds = self.markerHolds (environment // { extra = extras; });

  isWantedBy =
    package: group:
    let
      markers = package.markers or { };
      marker = if builtins.isString markers then markers else markers.${group} or null;
    in
    builtins.elem group package.groups && (marker == null || holds marker);
in
map (package: package.name) (
  builtins.filter (package: builtins.any (isWantedBy package) groups) packages
)
