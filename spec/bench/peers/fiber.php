<?php
// fiber.php: round trips between a Fiber and its resumer
// usage: php fiber.php N

function seconds(): float
{
    $used = getrusage();
    return $used['ru_utime.tv_sec'] + $used['ru_stime.tv_sec']
        + ($used['ru_utime.tv_usec'] + $used['ru_stime.tv_usec']) / 1e6;
}

function trips(Fiber $fiber, int $count): void
{
    $v = 0;
    for ($i = 1; $i <= $count; $i++) {
        $v = $fiber->resume($i);
    }
    if ($v !== $count) {
        exit(1);
    }
}

$n = (int)$argv[1];
$fiber = new Fiber(function (int $v): void {
    while (true) {
        $v = Fiber::suspend($v);
    }
});
$fiber->start(0);

trips($fiber, intdiv($n, 10) + 1);
$start = seconds();
trips($fiber, $n);
printf("%.2f\n", (seconds() - $start) * 1e9 / $n);
