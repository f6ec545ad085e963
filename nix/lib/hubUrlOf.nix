_:
/**
  Where the Hugging Face hub serves one file of one commit of a model repository.

  # Type

  ```
  hubUrlOf :: { repository :: String; revision :: String; file :: String; } -> String
  ```

  # Example

  ```nix
  hubUrlOf { repository = "openai-community/gpt2"; revision = "607a30d"; file = "config.json"; }
  => "https://huggingface.co/openai-community/gpt2/resolve/607a30d/config.json"
  ```
*/
{
  repository,
  revision,
  file,
}:
"https://huggingface.co/${repository}/resolve/${revision}/${file}"
