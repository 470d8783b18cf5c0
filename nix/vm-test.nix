# A whole machine with the forge: nix-build nix/vm-test.nix --argstr npmRegistry ADDRESS. It starts, is ready, takes a
# push over its own SSH server and over that of the system, runs the lane in its sandbox, and is there after a restart.
{
  pkgs ? import <nixpkgs> { },
  npmRegistry,
}:
pkgs.testers.runNixOSTest {
  name = "pika-git";

  nodes = {
    alone = {
      imports = [ ./module.nix ];
      services.pika-git = {
        enable = true;
        inherit npmRegistry;
        settings.ci.concurrency = 1;
      };
      environment.systemPackages = [
        pkgs.git
        pkgs.curl
        pkgs.bubblewrap
      ];
    };
    behind_sshd = {
      imports = [ ./module.nix ];
      services.pika-git = {
        enable = true;
        inherit npmRegistry;
        systemSshd = true;
        publicUrl = "https://git.example.org";
      };
      environment.systemPackages = [
        pkgs.git
        pkgs.curl
      ];
    };
  };

  testScript = ''
    lanes = 'version = 1\n[[lane]]\nid = "unit"\ncommand = "test -z \\"$(ls -A /srv 2>/dev/null)\\" && echo fine"\n'


    def push(machine, user, address):
        machine.succeed("mkdir -p /srv/work && cd /srv/work && git init -q -b main")
        machine.succeed("ssh-keygen -q -t ed25519 -N ''' -f /srv/key")
        machine.succeed("install -m 0644 /srv/key.pub /tmp/key.pub")
        machine.succeed(
            f"runuser -u {user} -- pika-git account add ada --role admin --ssh-key /tmp/key.pub --data /var/lib/pika-git"
        )
        machine.succeed("mkdir -p /srv/work/.pika")
        machine.succeed(f"printf '%b' '{lanes}' > /srv/work/.pika/lanes.toml")
        machine.succeed(
            "cd /srv/work && git add -A && git -c user.name=ada -c user.email=ada@example.org commit -qm Start"
        )
        ssh = "ssh -i /srv/key -o StrictHostKeyChecking=accept-new"
        machine.succeed(f"cd /srv/work && GIT_SSH_COMMAND='{ssh}' git push {address} main main:topic")


    start_all()
    with subtest("a forge with its own SSH server"):
        alone.wait_for_unit("pika-git.service")
        alone.wait_until_succeeds("curl -fsS http://127.0.0.1:8787/readyz")
        push(alone, "pika-git", "ssh://git@127.0.0.1:2222/ada/app.git")
        token = alone.succeed(
            "runuser -u pika-git -- pika-git token create --account ada --data /var/lib/pika-git"
        ).strip()
        alone.wait_until_succeeds(
            f"curl -fsS -H 'Authorization: Bearer {token}' http://127.0.0.1:8787/api/v1/repos/ada/app/branches/1"
            " | grep -q '\"success\"'"
        )
        alone.succeed("systemctl restart pika-git.service")
        alone.wait_until_succeeds("curl -fsS http://127.0.0.1:8787/readyz")
        alone.succeed("runuser -u pika-git -- pika-git doctor --data /var/lib/pika-git")

    with subtest("a forge behind the sshd of the system"):
        behind_sshd.wait_for_unit("pika-git.service")
        behind_sshd.wait_for_unit("sshd.service")
        behind_sshd.wait_until_succeeds("curl -fsS http://127.0.0.1:8787/readyz")
        push(behind_sshd, "git", "git@127.0.0.1:ada/app.git")
  '';
}
