#!/bin/sh
':' //; command -v node >/dev/null 2>&1 || { echo 'ph: needs Node 22 or newer, and no node is in PATH.' >&2; exit 2; }
':' //; [ -n "${NODE_COMPILE_CACHE-}" ] || [ -z "${HOME-}" ] || { export NODE_COMPILE_CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/ph/compiled"; }
':' //; exec node "$0" "$@"
if (Number(process.versions.node.split('.')[0]) < 22) {
  console.error('ph: needs Node 22 or newer and found ' + process.version + '.');
  process.exit(2);
}
// The cache is for this program; those that it starts have their own ways.
if (/[/]ph[/]compiled$/.test(process.env.NODE_COMPILE_CACHE || '')) delete process.env.NODE_COMPILE_CACHE;
// A package.json above this file may say that files without an ending are modules, which have no require.
var require = typeof require === 'function' ? require : process.getBuiltinModule('node:module').createRequire('/');
