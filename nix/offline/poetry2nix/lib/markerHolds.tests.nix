{ self, ... }:
let
  environment = {
    implementation_name = "cpython";
    os_name = "posix";
    platform_machine = "x86_64";
    python_full_version = "3.11.2";
    python_version = "3.11";
    sys_platform = "linux";
    extra = [
      "wheel"
      "harness"
    ];
  };
  holds = marker: {
    expr = self.markerHolds environment marker;
    expected = true;
  };
  fails = marker: {
    expr = self.markerHolds environment marker;
    expected = false;
  };
  refused = marker: {
    expr = (builtins.tryEval (self.markerHolds environment marker)).success;
    expected = false;
  };
in
{
  "text that is equal" = holds "sys_platform == 'linux'";
  "text that differs" = fails "sys_platform == 'win32'";
  "text that must differ" = holds "sys_platform != 'win32'";
  "the constant on the left" = holds "'linux' == sys_platform";
  "part of a text" = holds "'86' in platform_machine";
  "no part of a text" = holds "'arm' not in platform_machine";
  "a version below" = holds "python_version < '3.15'";
  "a version is compared by numbers" = fails "python_version < '3.9'";
  "a version with a patch number" = holds "python_full_version < '3.12.0'";
  "a version at the limit" = holds "python_version >= '3.11'";
  "a version that must not be" = fails "python_version != '3.11'";
  "a wanted extra" = holds "extra == 'wheel'";
  "another wanted extra" = holds "extra == 'harness'";
  "an extra that is not wanted" = fails "extra == 'reference'";
  "an extra that must not be wanted" = fails "extra != 'wheel'";
  "one of several is enough for or" = holds "extra == 'reference' or extra == 'wheel'";
  "all must hold for and" = fails "extra == 'wheel' and sys_platform == 'win32'";
  "and before or" = holds "extra == 'wheel' or extra == 'none' and sys_platform == 'win32'";
  "parentheses first" = fails "(extra == 'wheel' or extra == 'none') and sys_platform == 'win32'";
  "the lock's own long form" =
    fails "implementation_name == \"pypy\" or os_name == \"nt\" or sys_platform == \"win32\" and implementation_name == \"cpython\"";
  "an unknown variable is refused" = refused "platform_color == 'red'";
  "an order of texts is refused" = refused "sys_platform < 'win32'";
  "an order of extras is refused" = refused "extra < 'wheel'";
}
