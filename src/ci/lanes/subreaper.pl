# Runs a command so that none of its programs can leave: whatever loses its parent becomes a child of this one (Linux
# subreaper), and when the command has ended, all that is left is killed before its exit is handed on.
# Usage: perl subreaper.pl NUMBER_OF_PRCTL COMMAND [ARGUMENT...]
use strict;
use warnings;
use POSIX ();

my $prctl = shift @ARGV;
my $becomeSubreaper = 36;
syscall($prctl, $becomeSubreaper, 1, 0, 0, 0) == 0 or exit 126;

# It is asked to end together with its programs, and stays until the last of them is gone.
$SIG{$_} = 'IGNORE' for qw(TERM INT HUP);
my $command = fork();
defined $command or exit 126;
if ($command == 0) {
  $SIG{$_} = 'DEFAULT' for qw(TERM INT HUP);
  exec { $ARGV[0] } @ARGV or POSIX::_exit(127);
}

my $status = 0;
while ((my $pid = waitpid(-1, 0)) != -1) {
  next if $pid != $command;
  $status = $?;
  last;
}

# Killing a child makes its children ours, so killing children until there is none ends everything.
my $until = time() + 5;
while (time() <= $until) {
  my $ended = waitpid(-1, POSIX::WNOHANG());
  next if $ended > 0;
  last if $ended < 0;
  kill 'KILL', children();
  select(undef, undef, undef, 0.002);
}

if (my $signal = $status & 127) {
  $SIG{$_} = 'DEFAULT' for qw(TERM INT HUP);
  kill $signal, $$;
}
exit($status >> 8);

sub children {
  my @found;
  for my $path (glob '/proc/[0-9]*/stat') {
    open(my $file, '<', $path) or next;
    my $line = <$file>;
    # pid (name, which may hold anything) state parent
    push @found, $1 if defined $line && $line =~ /^(\d+) \(.*\) (\w) (\d+) /s && $3 == $$ && $2 ne 'Z';
  }
  return @found;
}
