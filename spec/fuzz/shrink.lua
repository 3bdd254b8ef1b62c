-- shrink.lua: makes a failing program small

local shrink = {}

local function copy(value)
  if type(value) ~= "table" then
    return value
  end
  local t = {}
  for k, v in pairs(value) do
    t[k] = copy(v)
  end
  return t
end

-- ---------------------------------------------------------------------------
-- Blocks are found by their number in a walk, which a copy has in common with
-- its original.

local function walk(block, list)
  list[#list + 1] = block
  for _, node in ipairs(block) do
    for i = 1, 3 do
      if node[i] then
        walk(node[i], list)
      end
    end
  end
end

local function blocks(program)
  local list = {}
  walk(program.main, list)
  for _, body in ipairs(program.bodies) do
    walk(body, list)
  end
  return list
end

--- How many nodes a program has.
function shrink.size(program)
  local n = 0
  for _, block in ipairs(blocks(program)) do
    n = n + #block
  end
  return n
end

-- Each pass calls 'try' with functions that change a copy of the program.

local function removals(program, try)
  for b, block in ipairs(blocks(program)) do
    local size = #block
    while size >= 1 do
      for from = 1, #block, size do
        local last = math.min(from + size - 1, #block)
        try(function(p)
          local list = blocks(p)[b]
          for _ = from, last do
            table.remove(list, from)
          end
        end)
      end
      size = size // 2
    end
  end
end

-- A node is replaced by what a block in it holds.
local function lifts(program, try)
  for b, block in ipairs(blocks(program)) do
    for n, node in ipairs(block) do
      for i = 1, 3 do
        if node[i] then
          try(function(p)
            local list = blocks(p)[b]
            local inner = table.remove(list, n)[i]
            for k = #inner, 1, -1 do
              table.insert(list, n, inner[k])
            end
          end)
        end
      end
    end
  end
end

local simplest = {slot = 1, body = 1, n = 1, up = 0, how = "plain", value = "message", level = 0, kind = "full",
  place = "gsub", event = "__add", answer = "same", mask = "l", count = 0, budget = 1}

local function simplifications(program, try)
  for b, block in ipairs(blocks(program)) do
    for n, node in ipairs(block) do
      local function set(field, value)
        if node[field] ~= nil and node[field] ~= value then
          try(function(p)
            blocks(p)[b][n][field] = value
          end)
        end
      end
      for field, value in pairs(simplest) do
        if not (field == "kind" and node.op == "fault") then
          set(field, value)
        end
      end
      set("lib", nil)
      set("size", nil)
      if node.values and #node.values > 0 then
        set("values", {})
      end
    end
  end
end

local function frame(program, try)
  try(function(p) p.fuel = p.fuel // 2 end)
  try(function(p) p.fuel = p.fuel - 1 end)
  if program.rounds > 1 then
    try(function(p) p.rounds = 1 end)
  end
  if program.collector ~= "incremental" then
    try(function(p) p.collector = "incremental" end)
  end
  for i, body in ipairs(program.bodies) do
    if #body.results > 0 then
      try(function(p) p.bodies[i].results = {} end)
    end
  end
end

-- ---------------------------------------------------------------------------

local GROUP = 12  -- candidates that one child looks at

-- The changes of one pass, taken where the program still fails.
local function take(program, pass, fails)
  local changes = {}
  pass(program, function(change)
    changes[#changes + 1] = change
  end)
  for from = 1, #changes, GROUP do
    local candidates = {}
    for i = from, math.min(from + GROUP - 1, #changes) do
      local candidate = copy(program)
      changes[i](candidate)
      candidates[#candidates + 1] = candidate
    end
    local index = fails(candidates)
    if index then
      return candidates[index]
    end
  end
end

--- Returns a smaller program that fails. 'fails' takes a list of programs and
-- returns the index of one that fails in the same way, or nil; 'progress' is
-- called with each smaller one. Gives up after some seconds.
function shrink.shrink(program, fails, progress, seconds)
  local stop = os.time() + seconds
  local again = true
  while again and os.time() < stop do
    again = false
    for _, pass in ipairs {removals, lifts, frame, simplifications} do
      local smaller = take(program, pass, fails)
      while smaller and os.time() < stop do
        program, again = smaller, true
        progress(program)
        smaller = take(program, pass, fails)
      end
    end
  end
  return program
end

return shrink
