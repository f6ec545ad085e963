# Files and scripts out of text.
{ lib, final }:
let
  checkSyntax = ''${final.stdenv.shellDryRun} "$target"'';
  withShebang = text: "#!${final.runtimeShell}\n${text}";
in
{
  writeTextFile =
    {
      name,
      text,
      executable ? false,
      destination ? "",
      checkPhase ? "",
      meta ? { },
      passthru ? { },
      allowSubstitutes ? false,
      preferLocalBuild ? true,
      derivationArgs ? { },
    }:
    assert lib.assertMsg (destination == "" || lib.hasPrefix "/" destination && destination != "/")
      "destination is '${destination}'; wanted: a path below the derivation's output that begins with /";
    final.runCommand name
      (
        {
          inherit
            text
            executable
            checkPhase
            allowSubstitutes
            preferLocalBuild
            passthru
            ;
          passAsFile = [ "text" ];
          meta =
            lib.optionalAttrs (executable && builtins.match "/bin/[^/]+" destination != null) {
              mainProgram = baseNameOf destination;
            }
            // meta;
        }
        // derivationArgs
      )
      ''
        target=$out${lib.escapeShellArg destination}
        mkdir -p "$(dirname "$target")"
        cp "$textPath" "$target"
        [ -z "$executable" ] || chmod +x "$target"
        eval "$checkPhase"
      '';

  writeText = name: text: final.writeTextFile { inherit name text; };
  writeTextDir =
    path: text:
    final.writeTextFile {
      inherit text;
      name = baseNameOf path;
      destination = "/${path}";
    };
  writeScript =
    name: text:
    final.writeTextFile {
      inherit name text;
      executable = true;
    };
  writeScriptBin =
    name: text:
    final.writeTextFile {
      inherit name text;
      executable = true;
      destination = "/bin/${name}";
    };
  writeShellScript =
    name: text:
    final.writeTextFile {
      inherit name;
      text = withShebang text;
      executable = true;
      checkPhase = checkSyntax;
    };
  writeShellScriptBin =
    name: text:
    final.writeTextFile {
      inherit name;
      text = withShebang text;
      executable = true;
      destination = "/bin/${name}";
      checkPhase = checkSyntax;
    };

  # The genuine one runs shellcheck too; Debian's is 30 MB of which no build would need a byte.
  writeShellApplication =
    {
      name,
      text,
      runtimeInputs ? [ ],
      runtimeEnv ? null,
      meta ? { },
      passthru ? { },
      checkPhase ? null,
      excludeShellChecks ? [ ],
      extraShellCheckFlags ? [ ],
      bashOptions ? [
        "errexit"
        "nounset"
        "pipefail"
      ],
      derivationArgs ? { },
    }:
    let
      exports = lib.mapAttrsToList (
        variable: value: "${lib.toShellVar variable value}\nexport ${variable}\n"
      ) runtimeEnv;
      checks = ''
        runHook preCheck
        ${checkSyntax}
        runHook postCheck
      '';
    in
    assert builtins.isList excludeShellChecks && builtins.isList extraShellCheckFlags;
    final.writeTextFile {
      inherit
        name
        meta
        passthru
        derivationArgs
        ;
      executable = true;
      destination = "/bin/${name}";
      allowSubstitutes = true;
      preferLocalBuild = false;
      text = withShebang (
        lib.concatMapStrings (option: "set -o ${option}\n") bashOptions
        + lib.optionalString (runtimeEnv != null) (lib.concatStrings exports)
        + lib.optionalString (runtimeInputs != [ ]) ''

          export PATH="${lib.makeBinPath runtimeInputs}:$PATH"
        ''
        + "\n${text}\n"
      );
      checkPhase = if checkPhase == null then checks else checkPhase;
    };
}
