-- child.lua: runs around the fountain

local cfiber = require "cfiber"

-- Points of a circle, with a rest now and then inside the generator.
local function circle()
  local angle = self.turn * 2 * math.pi
  while true do
    cfiber.yield(600 + 74 * math.cos(angle), 334 + 58 * math.sin(angle))
    angle = angle + 0.35
    if random(60) == 1 then
      say "catch me!"
    end
  end
end

for x, y in cfiber.iter(circle) do
  walk_to(x, y)
end
