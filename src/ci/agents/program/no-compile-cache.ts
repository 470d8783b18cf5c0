// In place of node:module, of which Node 20 lacks this; a program that runs once would not gain by it.
export const getCompileCacheDir = (): undefined => undefined;
