# Lists.
{ lib }:
let
  inherit (builtins)
    concatLists
    elem
    elemAt
    filter
    foldl'
    genList
    head
    length
    ;
in
{
  inherit (builtins)
    all
    any
    concatLists
    concatMap
    elem
    elemAt
    filter
    foldl'
    genList
    groupBy
    head
    length
    map
    partition
    sort
    tail
    ;

  singleton = value: [ value ];
  toList = value: if builtins.isList value then value else [ value ];
  range = first: last: if first > last then [ ] else genList (index: first + index) (last - first + 1);
  replicate = count: value: genList (_index: value) count;

  optional = condition: value: if condition then [ value ] else [ ];
  optionals = condition: values: if condition then values else [ ];

  last =
    values:
    assert lib.assertMsg (values != [ ]) "lists.last: list must not be empty!";
    elemAt values (length values - 1);
  init =
    values:
    assert lib.assertMsg (values != [ ]) "lists.init: list must not be empty!";
    lib.take (length values - 1) values;
  take = count: lib.sublist 0 count;
  drop = count: values: lib.sublist count (length values) values;
  sublist =
    start: count: values:
    let
      present = length values;
      wanted =
        if start >= present then
          0
        else if start + count > present then
          present - start
        else
          count;
    in
    genList (index: elemAt values (start + index)) wanted;
  reverseList =
    values:
    let
      count = length values;
    in
    genList (index: elemAt values (count - 1 - index)) count;

  foldl =
    function: initial: values:
    let
      after = count: if count == 0 then initial else function (after (count - 1)) (elemAt values (count - 1));
    in
    after (length values);
  foldr =
    function: initial: values:
    let
      count = length values;
      from = index: if index == count then initial else function (elemAt values index) (from (index + 1));
    in
    from 0;
  fold = lib.foldr;

  flatten = value: if builtins.isList value then builtins.concatMap lib.flatten value else [ value ];
  imap0 = function: values: genList (index: function index (elemAt values index)) (length values);
  imap1 = function: lib.imap0 (index: function (index + 1));
  forEach = values: function: map function values;
  count = condition: values: length (filter condition values);
  remove = value: filter (other: other != value);
  unique = foldl' (found: value: if elem value found then found else found ++ [ value ]) [ ];
  allUnique = values: length (lib.unique values) == length values;
  intersectLists = wanted: filter (value: elem value wanted);
  subtractLists = unwanted: filter (value: !(elem value unwanted));
  findFirst =
    condition: default: values:
    let
      found = filter condition values;
    in
    if found == [ ] then default else head found;
  findSingle =
    condition: none: several: values:
    let
      found = filter condition values;
    in
    if found == [ ] then
      none
    else if length found == 1 then
      head found
    else
      several;
  sortOn = key: builtins.sort (first: second: key first < key second);
  zipLists = lib.zipListsWith (fst: snd: { inherit fst snd; });
  zipListsWith =
    function: first: second:
    genList (index: function (elemAt first index) (elemAt second index)) (
      lib.min (length first) (length second)
    );
  crossLists = function: foldl' (functions: values: concatLists (map (f: map f values) functions)) [ function ];
}
