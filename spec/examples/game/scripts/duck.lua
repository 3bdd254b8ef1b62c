-- duck.lua: swims around the pond

local angle = self.turn * 2 * math.pi

while true do
  angle = angle + 0.1 + random(8) * 0.05
  local far = 0.35 + random(5) * 0.1
  walk_to(1000 + 104 * far * math.cos(angle), 520 + 66 * far * math.sin(angle))
  if random(40) == 1 then
    say "quack"
  end
  wait(random(10) * 0.1)
end
