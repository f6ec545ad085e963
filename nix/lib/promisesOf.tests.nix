{ self, ... }:
let
  slo = {
    service = {
      wheel.promises = {
        ready_s = 2.5;
        grace_s = 30;
      };
      voice = { };
    };
    image = {
      small.services.wheel.promises.ready_s = 1.5;
      large.services = {
        wheel = { };
        voice = { };
      };
    };
  };
in
{
  "an image's promises lie over its service's" = {
    expr = self.promisesOf slo "small";
    expected = [
      {
        ready_s = 1.5;
        grace_s = 30;
      }
    ];
  };
  "every service of an image has its promises, or none" = {
    expr = self.promisesOf slo "large";
    expected = [
      { }
      {
        ready_s = 2.5;
        grace_s = 30;
      }
    ];
  };
  "an image that the file does not have is refused" = {
    expr = (builtins.tryEval (self.promisesOf slo "medium")).success;
    expected = false;
  };
}
