"""One git operation with libgit2 (through pygit2), as a person's script would do it.

Usage: libgit2-client.py clone URL FOLDER | fetch FOLDER | push FOLDER REFSPEC
Over SSH it signs with the key file of SSH_KEY.
"""
import os
import sys

import pygit2


class Callbacks(pygit2.RemoteCallbacks):
    def credentials(self, url, username_from_url, allowed_types):
        key = os.environ["SSH_KEY"]
        return pygit2.Keypair("git", key + ".pub", key, "")

    def certificate_check(self, certificate, valid, host):
        return True

    def sideband_progress(self, string):
        print(string, end="", file=sys.stderr)

    def push_update_reference(self, refname, message):
        if message is not None:
            sys.exit(f"{refname} was refused: {message}")


verb, *args = sys.argv[1:]
if verb == "clone":
    pygit2.clone_repository(args[0], args[1], callbacks=Callbacks())
elif verb == "fetch":
    pygit2.Repository(args[0]).remotes["origin"].fetch(callbacks=Callbacks())
elif verb == "push":
    pygit2.Repository(args[0]).remotes["origin"].push([args[1]], callbacks=Callbacks())
else:
    sys.exit(f"unknown verb {verb}")
