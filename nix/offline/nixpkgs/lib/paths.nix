# Sources: which files of the checkout a derivation sees.
{ lib }:
{
  cleanSourceFilter =
    path: type:
    let
      name = baseNameOf (toString path);
    in
    !(
      type == "directory" && builtins.elem name [ ".git" ".svn" "CVS" ".hg" ".jj" ".pijul" "_darcs" ]
      || lib.hasSuffix "~" name
      || builtins.match "^\\.sw[a-z]$" name != null
      || builtins.match "^\\..*\\.sw[a-z]$" name != null
      || lib.hasSuffix ".o" name
      || lib.hasSuffix ".so" name
      || type == "symlink" && lib.hasPrefix "result" name
      || type == "unknown"
    );
  cleanSource = src: lib.cleanSourceWith { filter = lib.cleanSourceFilter; inherit src; };
  cleanSourceWith =
    {
      filter ? _path: _type: true,
      src,
      name ? null,
    }:
    let
      isFiltered = src ? _isLibCleanSourceWith;
      origin = if isFiltered then src.origSrc else src;
      filter' =
        if isFiltered then path: type: filter path type && src.filter path type else filter;
      name' = if name != null then name else if isFiltered then src.name else baseNameOf src;
    in
    {
      _isLibCleanSourceWith = true;
      filter = filter';
      origSrc = origin;
      name = name';
      outPath = builtins.path {
        filter = filter';
        path = origin;
        name = name';
      };
    };
}
