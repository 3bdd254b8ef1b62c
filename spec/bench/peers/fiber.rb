# fiber.rb: round trips between a Fiber and its resumer
# usage: ruby fiber.rb N

def clock
  Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID)
end

def trips(fiber, count)
  i = v = 0
  while i < count
    i += 1
    v = fiber.resume(i)
  end
  raise "got #{v}" if v != count
end

n = Integer(ARGV[0])
fiber = Fiber.new do |v|
  while true
    v = Fiber.yield(v)
  end
end

trips(fiber, n / 10 + 1)
start = clock
trips(fiber, n)
puts format("%.2f", (clock - start) * 1e9 / n)
