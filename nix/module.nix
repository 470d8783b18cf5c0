# The forge as a service with a user of its own. `settings` is what pika.toml would hold; the other options are what
# touches the system around it: ports, users, sshd, the reverse proxy, secrets.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.pika-git;
  isDefaultPlace = cfg.dataDir == "/var/lib/pika-git";
  # sshd runs the commands of its own users with the shell of theirs, and people know this one.
  user = if cfg.systemSshd then "git" else "pika-git";
  launcher = lib.getExe cfg.package;
  toml = pkgs.formats.toml { };
  settings = lib.recursiveUpdate derivedSettings cfg.settings;
  settingsFile = toml.generate "pika.toml" settings;
  derivedSettings =
    lib.optionalAttrs (cfg.publicUrl != null) { inherit (cfg) publicUrl; }
    // lib.optionalAttrs (cfg.reverseProxy != null) {
      trustedProxies = [
        "127.0.0.1"
        "::1"
      ];
    }
    // lib.optionalAttrs cfg.systemSshd { publicSsh.host = hostName; };
  hostName = if cfg.publicUrl == null then "localhost" else lib.removePrefix "https://" cfg.publicUrl;
  # What the settings have the forge write elsewhere; one that is not there yet is told by the forge and not by systemd.
  outsidePaths = map (path: "-${path}") (
    lib.optional (settings ? backups.folder) settings.backups.folder
    ++ lib.optional (settings ? health.logFile) (dirOf settings.health.logFile)
  );
  upstream = "http://${cfg.host}:${toString cfg.port}";
in
{
  options.services.pika-git = {
    enable = lib.mkEnableOption "the git forge pika-git";
    package = lib.mkOption {
      type = lib.types.package;
      default = pkgs.callPackage ./package.nix { inherit (cfg) npmRegistry; };
      defaultText = lib.literalExpression "pkgs.callPackage ./package.nix { inherit (cfg) npmRegistry; }";
      description = "The pika-git to run.";
    };
    npmRegistry = lib.mkOption {
      type = lib.types.str;
      description = "The address of the npm registry that the package is built from, without a slash at the end.";
    };
    dataDir = lib.mkOption {
      type = lib.types.path;
      default = "/var/lib/pika-git";
      description = "Everything that must survive: database, repositories, logs, keys. Back it up.";
    };
    host = lib.mkOption {
      type = lib.types.str;
      default = "127.0.0.1";
      description = "Where pages, API and git over HTTP listen; put a reverse proxy with TLS before it.";
    };
    port = lib.mkOption {
      type = lib.types.port;
      default = 8787;
      description = "The port of pages, API and git over HTTP.";
    };
    sshHost = lib.mkOption {
      type = lib.types.str;
      default = if cfg.systemSshd then "127.0.0.1" else "0.0.0.0";
      defaultText = lib.literalExpression ''if systemSshd then "127.0.0.1" else "0.0.0.0"'';
      description = "Where the forge's own server of git over SSH listens.";
    };
    sshPort = lib.mkOption {
      type = lib.types.port;
      default = 2222;
      description = "The port of the forge's own server of git over SSH.";
    };
    publicUrl = lib.mkOption {
      type = lib.types.nullOr lib.types.str;
      default = null;
      example = "https://git.example.org";
      description = "The origin that people type; it stands in every link.";
    };
    openFirewall = lib.mkOption {
      type = lib.types.bool;
      default = false;
      description = "Opens the SSH port of the forge.";
    };
    settings = lib.mkOption {
      type = toml.type;
      default = { };
      example = {
        ci.concurrency = 4;
        mail = {
          host = "smtp.example.org";
          from = "pika-git <git@example.org>";
          passwordFile = "/run/credentials/pika-git.service/mail-password";
        };
      };
      description = ''
        What pika.toml in the data directory holds, which is then no longer written by hand. It is readable by everybody on the machine:
        secrets belong into `secrets`.
      '';
    };
    secrets = lib.mkOption {
      type = lib.types.attrsOf lib.types.path;
      default = { };
      example = {
        mail-password = "/etc/secrets/mail-password";
      };
      description = ''
        Files that root alone may read, handed to the forge as /run/credentials/pika-git.service/NAME.
      '';
    };
    systemSshd = lib.mkOption {
      type = lib.types.bool;
      default = false;
      description = ''
        Git over SSH through the sshd of the system, as the user git on its port, in the place of a port of the forge's own.
      '';
    };
    reverseProxy = lib.mkOption {
      type = lib.types.nullOr (
        lib.types.enum [
          "nginx"
          "caddy"
        ]
      );
      default = null;
      description = "Sets up this server before the forge, with TLS for the host of `publicUrl`.";
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = cfg.reverseProxy == null || lib.hasPrefix "https://" (toString cfg.publicUrl);
        message = ''services.pika-git.reverseProxy needs a publicUrl with https, such as "https://git.example.org".'';
      }
      {
        assertion = !cfg.systemSshd || cfg.publicUrl != null;
        message = "services.pika-git.systemSshd needs publicUrl: its host stands in the addresses to clone from.";
      }
      {
        assertion = config.security.allowUserNamespaces;
        message = "pika-git runs lanes in user namespaces: set security.allowUserNamespaces to true.";
      }
    ];

    users.users.${user} = {
      isSystemUser = true;
      group = user;
      home = cfg.dataDir;
    }
    # sshd starts the forced command with the shell of the user.
    // lib.optionalAttrs cfg.systemSshd { shell = "/bin/sh"; };
    users.groups.${user} = { };
    environment.systemPackages = [ cfg.package ];
    networking.firewall.allowedTCPPorts =
      lib.optional cfg.openFirewall cfg.sshPort
      ++ lib.optionals (cfg.reverseProxy != null) [
        80
        443
      ];
    systemd.tmpfiles.rules = lib.optional (
      !isDefaultPlace
    ) "d ${cfg.dataDir} 0700 ${user} ${user} -";

    # A copy and no link: sshd runs only what root alone can write, with every folder above it.
    environment.etc = lib.mkIf cfg.systemSshd {
      "ssh/pika-git-keys" = {
        mode = "0755";
        text = ''
          #!/bin/sh
          exec ${launcher} ssh-keys --data ${lib.escapeShellArg cfg.dataDir} "$@"
        '';
      };
    };
    services.openssh = lib.mkIf cfg.systemSshd {
      enable = true;
      extraConfig = ''
        Match User ${user}
          AuthorizedKeysFile none
          AuthorizedKeysCommand /etc/ssh/pika-git-keys %t %k
          AuthorizedKeysCommandUser ${user}
          AcceptEnv GIT_PROTOCOL
          PasswordAuthentication no
          KbdInteractiveAuthentication no
      '';
    };

    services.nginx = lib.mkIf (cfg.reverseProxy == "nginx") {
      enable = true;
      virtualHosts.${hostName} = {
        forceSSL = true;
        enableACME = lib.mkDefault true;
        locations."/" = {
          proxyPass = upstream;
          # The reasons stand in nginx.conf beside this file.
          extraConfig = ''
            client_max_body_size 0;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-Host $http_host;
            proxy_set_header X-Request-Id $request_id;
            proxy_request_buffering off;
            proxy_buffering off;
            gzip on;
            gzip_proxied any;
            gzip_types text/css text/javascript application/json image/svg+xml;
            proxy_read_timeout 1h;
            proxy_send_timeout 1h;
          '';
        };
      };
    };
    services.caddy = lib.mkIf (cfg.reverseProxy == "caddy") {
      enable = true;
      virtualHosts.${hostName}.extraConfig = ''
        encode gzip
        reverse_proxy ${cfg.host}:${toString cfg.port} {
          header_up X-Request-Id {http.request.uuid}
        }
      '';
    };

    systemd.services.pika-git = {
      description = "pika-git, a git forge";
      wantedBy = [ "multi-user.target" ];
      wants = [ "network-online.target" ];
      after = [ "network-online.target" ];
      # Lanes find the programs of the system beside those of the service.
      path = [ "/run/current-system/sw" ];
      preStart = lib.mkIf (settings != { }) ''
        file=${lib.escapeShellArg cfg.dataDir}/pika.toml
        # What a restore brought back is the text that the link led to.
        if [ -e "$file" ] && [ ! -L "$file" ] && [ "$(cat "$file")" != "$(cat ${settingsFile})" ]; then
          echo "$file was written by hand: move what it says to services.pika-git.settings, and remove it." >&2
          exit 1
        fi
        ln -sfn ${settingsFile} "$file"
      '';
      serviceConfig = {
        ExecStart = lib.escapeShellArgs [
          launcher
          "serve"
          "--data"
          cfg.dataDir
          "--http"
          "${cfg.host}:${toString cfg.port}"
          "--ssh"
          "${cfg.sshHost}:${toString cfg.sshPort}"
          "--no-welcome"
        ];
        User = user;
        Group = user;
        UMask = "0077";
        LoadCredential = lib.mapAttrsToList (name: file: "${name}:${toString file}") cfg.secrets;
        Restart = "on-failure";
        # Longer than the grace of a lane and the 20 seconds of the forge's own stop.
        TimeoutStopSec = 40;
        KillMode = "mixed";
        # Groups below its own, with the forge beside those of its lanes: they limit the programs of a lane.
        Delegate = true;
        DelegateSubgroup = "pika-forge";
        ReadWritePaths = [ cfg.dataDir ] ++ outsidePaths;
        NoNewPrivileges = true;
        CapabilityBoundingSet = "";
        ProtectSystem = "strict";
        ProtectHome = true;
        PrivateTmp = true;
        PrivateDevices = true;
        ProtectClock = true;
        ProtectHostname = true;
        LockPersonality = true;
        RestrictRealtime = true;
        RestrictSUIDSGID = true;
        RestrictAddressFamilies = [
          "AF_UNIX"
          "AF_INET"
          "AF_INET6"
          "AF_NETLINK"
        ];
        SystemCallArchitectures = "native";
        # The sandbox of the lanes makes namespaces and mounts a /proc of its own. RestrictNamespaces, ProtectProc,
        # ProtectKernelTunables, ProtectKernelLogs and ProtectControlGroups would take that away, and with it the sandbox.
      }
      // lib.optionalAttrs isDefaultPlace {
        StateDirectory = "pika-git";
        StateDirectoryMode = "0700";
      };
    };
  };
}
