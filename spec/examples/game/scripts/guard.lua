-- guard.lua: a script that hangs, which costs nobody else anything

say("all is quiet")
walk_to(576, 112)
say("I count sheep")

local sheep = 0
while true do
  sheep = sheep + 1
end
