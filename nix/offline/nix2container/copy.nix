{ pkgs, program }:
/**
  The programs that bring an image out of the store, under the names that nix2container gives them.

  Type: { image, imageName, imageTag } -> { copyToDockerDaemon, copyToPodman, copyToRegistry, copyTo }

  Example: `nix run .#image.copyTo -- docker-archive:image.tar`
*/
{
  image,
  imageName,
  imageTag,
}:
let
  reference = "${imageName}:${imageTag}";
  mkCopier =
    name: destination:
    pkgs.writeShellApplication {
      inherit name;
      text = ''
        ${program.command} copy ${image} "${reference}" ${destination} "$@"
      '';
    };
in
{
  copyToDockerDaemon = mkCopier "copy-to-docker-daemon" ''"docker-daemon:${reference}"'';
  copyToPodman = mkCopier "copy-to-podman" ''"containers-storage:${reference}"'';
  copyToRegistry = mkCopier "copy-to-registry" ''"docker://${reference}"'';
  copyTo = mkCopier "copy-to" "";
}
