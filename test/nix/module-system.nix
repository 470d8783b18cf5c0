# As much of nixpkgs as nix/module.nix and nix/package.nix use, so that they can be evaluated without it: options with
# their types and defaults, mkIf, and the few functions of lib. Unknown options and values of a wrong type are refused.
let
  inherit (builtins)
    all
    attrNames
    attrValues
    concatStringsSep
    elem
    elemAt
    filter
    isAttrs
    isBool
    isInt
    isString
    length
    listToAttrs
    mapAttrs
    replaceStrings
    stringLength
    substring
    toJSON
    ;
  typeNamed = name: check: { inherit name check; };
in
rec {
  lib = rec {
    mkOption = option: option // { isOption = true; };
    mkEnableOption =
      what:
      mkOption {
        type = types.bool;
        default = false;
        description = "Whether to enable ${what}.";
      };
    literalExpression = text: text;
    mkDefault = value: value;
    mkIf = condition: content: {
      isConditional = true;
      inherit condition content;
    };
    types = {
      bool = typeNamed "a boolean" isBool;
      str = typeNamed "a string" isString;
      path = typeNamed "a path" (value: isString value && substring 0 1 value == "/");
      port = typeNamed "a port" (value: isInt value && value >= 0 && value <= 65535);
      package = typeNamed "a package" isAttrs;
      nullOr = type: typeNamed "null or ${type.name}" (value: value == null || type.check value);
      enum = values: typeNamed "one of ${toJSON values}" (value: elem value values);
      attrsOf = type: typeNamed "attributes of ${type.name}" (
        value: isAttrs value && all type.check (attrValues value)
      );
    };
    optional = condition: value: if condition then [ value ] else [ ];
    optionals = condition: values: if condition then values else [ ];
    optionalAttrs = condition: attributes: if condition then attributes else { };
    recursiveUpdate =
      left: right:
      left
      // mapAttrs (
        name: value:
        if isAttrs value && isAttrs (left.${name} or null) then recursiveUpdate left.${name} value else value
      ) right;
    hasPrefix = prefix: text: substring 0 (stringLength prefix) text == prefix;
    removePrefix =
      prefix: text:
      if hasPrefix prefix text then substring (stringLength prefix) (stringLength text) text else text;
    mapAttrsToList = change: attributes: map (name: change name attributes.${name}) (attrNames attributes);
    inherit mapAttrs;
    last = list: elemAt list (length list - 1);
    splitString =
      separator: text: filter isString (builtins.split (replaceStrings [ "." ] [ "\\." ] separator) text);
    escapeShellArg = text: "'${replaceStrings [ "'" ] [ "'\\''" ] (toString text)}'";
    escapeShellArgs = words: concatStringsSep " " (map escapeShellArg words);
    getExe = package: "/nix/store/${package.pname}/bin/${package.meta.mainProgram or package.pname}";
    makeBinPath = packages: concatStringsSep ":" (map (package: "/nix/store/${package.pname}/bin") packages);
    importJSON = file: builtins.fromJSON (builtins.readFile file);
    fileset = {
      unions = files: files;
      toSource = { root, fileset }: map (file: assert builtins.pathExists file; toString file) fileset;
    };
    licenses.mit = "MIT";
    platforms.linux = [ "linux" ];
  };

  pkgs = {
    callPackage = file: arguments: import file (packages // { inherit lib; } // arguments);
    # The text stands in the place of the path to its file.
    formats.toml = _: {
      type = typeNamed "a table of TOML" isAttrs;
      generate = name: value: "/generated/${name}:${toJSON value}";
    };
  };

  packages =
    listToAttrs (
      map
        (pname: {
          name = pname;
          value = { inherit pname; };
        })
        [
          "makeWrapper"
          "nodejs_24"
          "git"
          "openssh"
          "bubblewrap"
          "util-linux"
        ]
    )
    // {
      stdenv.mkDerivation = derivation: derivation;
      importNpmLock = {
        __functor = self: locked: locked;
        npmConfigHook = "npmConfigHook";
      };
    };

  # What a machine with these options of services.pika-git would be told: { failed, config }.
  machine =
    given:
    let
      declared = module.options.services.pika-git;
      unknown = filter (name: !(declared ? ${name})) (attrNames given);
      valueOf =
        name: option:
        if !(given ? ${name}) then
          option.default or (throw "services.pika-git.${name} has no value")
        else if option.type.check given.${name} then
          given.${name}
        else
          throw "services.pika-git.${name} is not ${option.type.name}";
      module = import ../../nix/module.nix {
        inherit lib pkgs;
        config = {
          services.pika-git = mapAttrs valueOf declared;
          security.allowUserNamespaces = true;
        };
      };
      told = resolve module.config;
    in
    if unknown != [ ] then
      throw "services.pika-git has no option ${toJSON unknown}"
    else
      {
        failed = map ({ message, ... }: message) (filter ({ assertion, ... }: !assertion) told.assertions);
        config = removeAttrs told [ "assertions" ] // {
          environment = removeAttrs told.environment [ "systemPackages" ];
        };
      };

  resolve =
    value:
    if !isAttrs value then
      value
    else if value.isConditional or false then
      resolve value.content
    else
      mapAttrs (_: resolve) (
        removeAttrs value (
          filter (
            name: isAttrs value.${name} && (value.${name}.isConditional or false) && !value.${name}.condition
          ) (attrNames value)
        )
      );

  package = pkgs.callPackage ../../nix/package.nix { npmRegistry = "https://packages.example"; };

  vmTest = import ../../nix/vm-test.nix {
    npmRegistry = "https://packages.example";
    pkgs = packages // {
      curl.pname = "curl";
      testers.runNixOSTest = test: test;
    };
  };
}
