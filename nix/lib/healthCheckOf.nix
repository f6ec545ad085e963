{ lib, ... }:
/**
  The times of a container's health check, from what its services promise; of several services the slowest counts.

  - Interval: 30 s.
  - Timeout: `deadline_s`, after which a caller gives up, and 3 s for the check's own process.
  - StartPeriod: 10 times `ready_s`, at least 10 s: a slower machine is no failure.
  - Retries: as many as outlast a recovery (`recovery_s`) and a stop (`grace_s`), so that neither is called a failure.

  Times are nanoseconds, as OCI configs have them. Throws when a promise is missing.

  # Type

  ```
  healthCheckOf :: [ Promises ] -> { Interval :: Int; Timeout :: Int; StartPeriod :: Int; Retries :: Int; }
  ```

  # Example

  ```nix
  healthCheckOf [ { ready_s = 2.0; deadline_s = 2; recovery_s = 5; grace_s = 30; } ]
  => { Interval = 30000000000; Timeout = 5000000000; StartPeriod = 20000000000; Retries = 3; }
  ```
*/
promises:
let
  intervalS = 30;
  checkS = 3;
  startFactor = 10;
  shortestStartS = 10;

  slowest =
    name:
    lib.foldl' lib.max 0 (map (of: of.${name} or (throw "a health check needs the promise ${name}")) promises);
  nanoseconds = seconds: builtins.ceil (seconds * 1000000000);
in
{
  Interval = nanoseconds intervalS;
  Timeout = nanoseconds (slowest "deadline_s" + checkS);
  StartPeriod = nanoseconds (lib.max shortestStartS (startFactor * slowest "ready_s"));
  Retries = 1 + builtins.ceil ((slowest "recovery_s" + slowest "grace_s") / (intervalS * 1.0));
}
