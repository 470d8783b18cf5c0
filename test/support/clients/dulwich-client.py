"""One git operation with dulwich, as a person's script would do it.

Usage: dulwich-client.py clone URL FOLDER | fetch FOLDER | push FOLDER REFSPEC
Over SSH it uses the ssh of GIT_SSH_COMMAND, or paramiko with the key of PARAMIKO_KEY when that is set.
"""
import os
import sys

from dulwich import client, porcelain

if os.environ.get("PARAMIKO_KEY"):
    from dulwich.contrib.paramiko_vendor import ParamikoSSHVendor

    class Vendor(ParamikoSSHVendor):
        def run_command(self, *args, **given):
            # Dulwich 0.21 hands its own ssh_command on to paramiko, which does not know the word.
            given.pop("ssh_command", None)
            return super().run_command(*args, **given)

    client.get_ssh_vendor = lambda: Vendor(
        key_filename=os.environ["PARAMIKO_KEY"], allow_agent=False, look_for_keys=False
    )

# A clone keeps the address without its password, so a token is given with every operation.
token = os.environ.get("HTTP_TOKEN")
login = {"username": "x", "password": token} if token else {}

said = sys.stderr.buffer
verb, *args = sys.argv[1:]
if verb == "clone":
    porcelain.clone(args[0], args[1], errstream=said, **login)
elif verb == "fetch":
    porcelain.fetch(args[0], "origin", errstream=said, **login)
elif verb == "push":
    refspec = args[1].encode()
    porcelain.push(
        args[0], "origin", refspec.lstrip(b"+"), said, said, force=refspec.startswith(b"+"), **login
    )
else:
    sys.exit(f"unknown verb {verb}")
