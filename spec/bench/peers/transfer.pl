# transfer.pl: round trips between two coroutines of Coro
# usage: perl transfer.pl N
#
# 'transfer' takes no values: they go through variables. 'Coro::cede', by way
# of the scheduler, takes a little longer.

use strict;
use warnings;
use Coro::State;
use Time::HiRes qw(clock_gettime CLOCK_PROCESS_CPUTIME_ID);

my ($in, $out);
my ($here, $there);
$here = Coro::State->new;
$there = Coro::State->new(sub {
    while (1) {
        $out = $in;
        Coro::State::transfer($there, $here);
    }
});

sub trips {
    my ($count) = @_;
    my $v;
    for my $i (1 .. $count) {
        $in = $i;
        Coro::State::transfer($here, $there);
        $v = $out;
    }
    die "got $v" if $v != $count;
}

my $n = $ARGV[0];
trips(int($n / 10) + 1);
my $start = clock_gettime(CLOCK_PROCESS_CPUTIME_ID);
trips($n);
printf "%.2f\n", (clock_gettime(CLOCK_PROCESS_CPUTIME_ID) - $start) * 1e9 / $n;
