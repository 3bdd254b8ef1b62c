# switch.py: round trips between a greenlet and its parent
# usage: python3 switch.py N

import sys
import time

import greenlet


def echo(v):
    switch = greenlet.getcurrent().parent.switch
    while True:
        v = switch(v)


def trips(switch, count):
    v = 0
    for i in range(1, count + 1):
        v = switch(i)
    assert v == count


n = int(sys.argv[1])
switch = greenlet.greenlet(echo).switch

trips(switch, n // 10 + 1)
start = time.process_time_ns()
trips(switch, n)
print("%.2f" % ((time.process_time_ns() - start) / n))
