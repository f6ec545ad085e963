{ self, ... }:
let
  named = services: models: accelerator: expected: {
    expr = self.variantNameOf { inherit services models accelerator; };
    inherit expected;
  };
in
{
  "all services, starter models, CPU is the plain name" = named "all" "starter" "cpu" "image";
  "a service by itself is named" = named [ "wheel" ] "starter" "cpu" "image-wheel";
  "another model set is named" = named "all" "standard" "cpu" "image-standard";
  "both are named, the service first" = named [ "wheel" ] "standard" "cpu" "image-wheel-standard";
  "an accelerator is named last" = named [ "wheel" ] "standard" "cuda" "image-wheel-standard-cuda";
  "an accelerator without a model set" = named [ "wheel" ] "starter" "cuda" "image-wheel-cuda";
  "several services are all named" = named [ "wheel" "voice" ] "starter" "cpu" "image-wheel-voice";
}
