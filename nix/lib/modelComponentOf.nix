_:
/**
  What a model is that lies in an image for one engine, for the image's papers: its catalogue entry without what only
  builds need. `origin` says where its source is: `hub`, this repository (`source`), or a Python package.

  # Type

  ```
  modelComponentOf ::
    { name :: String; engine :: String; source :: String; entry :: AttrSet; } -> {
      kind :: "model"; name :: String; version :: String; engine :: String; repository :: String; license :: String;
      architecture :: String; task :: String; parts :: [String];
      origin :: "hub" | "package" | "repository"; origin_name :: String;
      files :: { path = { sha256 :: String; size :: Int; known :: String; }; };
    }
  ```

  # Example

  ```nix
  (modelComponentOf { name = "starter-voice"; engine = "espeak-ng"; source = "https://…"; inherit entry; }).origin_name
  => "espeakng-loader 0.2.4"
  ```
*/
{
  name,
  engine,
  source,
  entry,
}:
let
  origin =
    if entry ? package then
      {
        origin = "package";
        origin_name = entry.revision;
      }
    else if entry ? directory then
      {
        origin = "repository";
        origin_name = "${source}/${entry.directory}";
      }
    else
      {
        origin = "hub";
        origin_name = entry.repository;
      };
in
origin
// {
  kind = "model";
  inherit name engine;
  version = entry.revision;
  inherit (entry)
    repository
    license
    architecture
    task
    ;
  parts = entry.parts or [ ];
  files = entry.files or { };
}
