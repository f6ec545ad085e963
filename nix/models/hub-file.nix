# One file of a model repository, by its hash: from the mirrors that COLDSTART_MODEL_MIRROR names, then from the Hub. The
# derivation's output is fixed, so Nix lets its builder reach the network and checks what it brings. Where a daemon
# builds, the variables are the daemon's; `nix run .#models -- fetch` needs neither, for what the store has is not built.
{ pkgs, sources }:
{
  repository,
  revision,
  file,
  sha256,
  size,
}:
pkgs.runCommand (baseNameOf file)
  {
    inherit
      repository
      revision
      file
      sha256
      size
      ;
    outputHashMode = "flat";
    outputHashAlgo = "sha256";
    outputHash = sha256;
    impureEnvVars = [
      "COLDSTART_MODEL_MIRROR"
      "HTTPS_PROXY"
      "HTTP_PROXY"
      "NO_PROXY"
      "http_proxy"
      "https_proxy"
      "no_proxy"
    ];
    SSL_CERT_FILE = "${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt";
    preferLocalBuild = true;
  }
  ''
    ${pkgs.python311.interpreter} -B ${sources.downloader}
  ''
