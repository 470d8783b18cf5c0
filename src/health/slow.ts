// Routes that wait on purpose, or for a client: a wait for CI, git's own exchanges, a page's ear for what changes. That they
// take long says nothing.
const patient =
  /\/(?:wait|git-upload-pack|git-receive-pack|info\/refs|live|approval\/token)$|\/info\/lfs\/|\/archive$|\/mcp$/;

export const takesItsTime = (route: string): boolean => patient.test(route);
