_:
/**
  Whether a file that the lock names can matter on Linux with CPython 3.11. Everything that is not a wheel can.

  poetry2nix parses the tags of all wheels of a package, and stops evaluation at tags that are younger than itself
  (`riscv64`, `abi3.abi3t`): it must not see those. It is archived, so this stays.

  # Type

  ```
  isUsableFile :: String -> Bool
  ```

  # Example

  ```nix
  isUsableFile "numpy-2.4.6-cp311-cp311-win_amd64.whl"
  => false
  ```
*/
file:
builtins.match ".*\\.whl" file == null
|| builtins.match ".*-[a-z0-9.]+-(none|abi3|cp311)-(any|.*linux.*_(x86_64|aarch64))\\.whl" file != null
