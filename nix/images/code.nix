# The server's code as an image holds it that was made for these services: read reached_code.py for what that is. Without bytecode
# Python starts three times as slowly, and an image is read-only.
{
  lib,
  pkgs,
  matrix,
  sources,
}:
{
  services,
  # A command over a copy of the sources.
  change ? "",
}:
let
  leftOut = lib.subtractLists services (lib.attrNames matrix.services);
in
pkgs.runCommand "coldstart-server" { } ''
  cp -r ${sources.server}/server server
  chmod -R u+w server
  ${change}
  ${pkgs.python311.interpreter} -B -X no_debug_ranges ${./reached_code.py} server "$out" ${toString leftOut}
''
