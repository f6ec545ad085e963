_:
/**
  The name of a variant's package: `image`, then what differs from the plain image: the services if they are not all,
  the model set if it is not the starter set, the accelerator if there is one.

  # Type

  ```
  variantNameOf :: { services :: "all" | [String]; models :: String; accelerator :: String; } -> String
  ```

  # Example

  ```nix
  variantNameOf { services = [ "wheel" ]; models = "standard"; accelerator = "cpu"; }
  => "image-wheel-standard"
  ```
*/
{
  services,
  models,
  accelerator,
}:
let
  differences =
    (if services == "all" then [ ] else services)
    ++ (if models == "starter" then [ ] else [ models ])
    ++ (if accelerator == "cpu" then [ ] else [ accelerator ]);
in
builtins.concatStringsSep "-" ([ "image" ] ++ differences)
