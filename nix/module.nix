# The forge as a service with a user of its own. Other settings stand in pika.toml in the data directory.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.pika-git;
  isDefaultPlace = cfg.dataDir == "/var/lib/pika-git";
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
      default = "0.0.0.0";
      description = "Where git over SSH listens.";
    };
    sshPort = lib.mkOption {
      type = lib.types.port;
      default = 2222;
      description = "The port of git over SSH.";
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
      description = "Opens the SSH port.";
    };
  };

  config = lib.mkIf cfg.enable {
    users.users.pika-git = {
      isSystemUser = true;
      group = "pika-git";
      home = cfg.dataDir;
    };
    users.groups.pika-git = { };
    environment.systemPackages = [ cfg.package ];
    networking.firewall.allowedTCPPorts = lib.optional cfg.openFirewall cfg.sshPort;
    systemd.tmpfiles.rules = lib.optional (
      !isDefaultPlace
    ) "d ${cfg.dataDir} 0700 pika-git pika-git -";

    systemd.services.pika-git = {
      description = "pika-git, a git forge";
      wantedBy = [ "multi-user.target" ];
      wants = [ "network-online.target" ];
      after = [ "network-online.target" ];
      environment = lib.optionalAttrs (cfg.publicUrl != null) { PIKA_PUBLIC_URL = cfg.publicUrl; };
      # Lanes find the programs of the system beside those of the service.
      path = [ "/run/current-system/sw" ];
      serviceConfig = {
        ExecStart = lib.escapeShellArgs [
          (lib.getExe cfg.package)
          "serve"
          "--data"
          cfg.dataDir
          "--http"
          "${cfg.host}:${toString cfg.port}"
          "--ssh"
          "${cfg.sshHost}:${toString cfg.sshPort}"
          "--no-welcome"
        ];
        User = "pika-git";
        Group = "pika-git";
        UMask = "0077";
        Restart = "on-failure";
        # Longer than the grace of a lane and the 20 seconds of the forge's own stop.
        TimeoutStopSec = 40;
        KillMode = "mixed";
        ReadWritePaths = [ cfg.dataDir ];
        NoNewPrivileges = true;
        CapabilityBoundingSet = "";
        ProtectSystem = "strict";
        ProtectHome = true;
        PrivateTmp = true;
        PrivateDevices = true;
        ProtectControlGroups = true;
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
        # The sandbox of the lanes makes namespaces and mounts a /proc of its own. RestrictNamespaces,
        # ProtectProc, ProtectKernelTunables and ProtectKernelLogs would take that away, and with it the sandbox.
      }
      // lib.optionalAttrs isDefaultPlace {
        StateDirectory = "pika-git";
        StateDirectoryMode = "0700";
      };
    };
  };
}
