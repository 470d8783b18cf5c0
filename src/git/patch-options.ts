/** How every patch is written that is read here, whatever a configuration of git says. */
export const patchOptions = [
  '--full-index',
  '--diff-algorithm=histogram',
  '--no-indent-heuristic',
  '--no-ext-diff',
  '--no-textconv',
  '--no-color',
  '--submodule=short',
  '--ignore-submodules=none',
  '--src-prefix=a/',
  '--dst-prefix=b/',
];
