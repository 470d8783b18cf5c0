# The forge as a package: the sources as they are, run by Nix's own Node. The Node that npm would bring along is taken
# out again; the program of esbuild, optional to npm as well, stays, because it makes the ph that /ph serves. Sources go
# to share/, because Node strips no types below node_modules.
{
  lib,
  stdenv,
  importNpmLock,
  makeWrapper,
  nodejs_24,
  git,
  openssh,
  bubblewrap,
  util-linux,
  # The address of the npm registry to fetch packages from, without a slash at the end.
  npmRegistry,
}:
let
  package = lib.importJSON ../package.json;
  lock = lib.importJSON ../package-lock.json;
  # The lock file names no registry, so that it serves every mirror; Nix needs an address for each package.
  nameOf = path: entry: entry.name or (lib.last (lib.splitString "node_modules/" path));
  addressOf =
    name: version: "${npmRegistry}/${name}/-/${baseNameOf name}-${version}.tgz";
  withAddress =
    path: entry:
    if path == "" || entry ? resolved then
      entry
    else
      entry // { resolved = addressOf (nameOf path entry) entry.version; };
  packageLock = lock // {
    packages = lib.mapAttrs withAddress lock.packages;
  };
in
stdenv.mkDerivation {
  pname = package.name;
  inherit (package) version;

  src = lib.fileset.toSource {
    root = ../.;
    fileset = lib.fileset.unions [
      ../src
      ../templates
      ../hooks
      ../package.json
      ../package-lock.json
      ../LICENSE
    ];
  };

  npmDeps = importNpmLock { inherit package packageLock; };
  npmFlags = [
    "--omit=dev"
    "--ignore-scripts"
  ];
  nativeBuildInputs = [
    nodejs_24
    importNpmLock.npmConfigHook
    makeWrapper
  ];
  dontBuild = true;

  installPhase = ''
    runHook preInstall
    share=$out/share/pika-git
    mkdir -p $share $out/bin
    cp -r src templates hooks node_modules package.json LICENSE $share/
    rm -rf $share/node_modules/node-linux-* $share/node_modules/.bin/node
    # The launchers choose how Node is started.
    makeWrapper $share/src/pika-git $out/bin/pika-git \
      --prefix PATH : ${
        lib.makeBinPath [
          nodejs_24
          git
          bubblewrap
          util-linux
        ]
      }
    makeWrapper $share/src/ph/ph $out/bin/ph \
      --prefix PATH : ${
        lib.makeBinPath [
          nodejs_24
          git
          openssh
        ]
      }
    runHook postInstall
  '';

  meta = {
    inherit (package) description;
    license = lib.licenses.mit;
    mainProgram = "pika-git";
    platforms = lib.platforms.linux;
  };
}
