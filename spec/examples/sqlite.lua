-- sqlite.lua: two long queries side by side, and a function of SQL that waits
-- usage: make examples && eval "$(make -s env)" && lua5.4 spec/examples/sqlite.lua

local cfiber = require "cfiber"
local sqlite = require "sqlite"

-- A query that goes through n numbers, and lets others run meanwhile.
local function count(name, n)
  return cfiber.wrap(function()
    local db <close> = sqlite.open ":memory:"
    db:progress(100000, function()
      print(name .. " is at work")
      cfiber.yield(true)
    end)
    local numbers = "with recursive c(x) as (select 1 union all select x + 1 from c where x < ?) "
    for row in db:rows(numbers .. "select count(*) as n, sum(x) as total from c", n) do
      print(name .. " has " .. row.n .. " rows, their sum is " .. row.total)
    end
    return false
  end)
end

local queries = {count("the long query", 30000), count("the short one", 15000)}
while #queries > 0 do
  local query = table.remove(queries, 1)
  if query() then
    table.insert(queries, query)
  end
end

-- A function of SQL in Lua: it waits for an answer from outside, and nothing
-- in the query knows.
local db <close> = sqlite.open ":memory:"
db:define("ask", function(question)
  return cfiber.yield(question)
end)

local query = cfiber.create(function()
  for row in db:rows "select ask('your name') as name, ask('the answer') as answer" do
    print(row.name .. " says " .. row.answer)
  end
end)
local _, question = cfiber.resume(query)
print("asked for " .. question)
_, question = cfiber.resume(query, "Ada")
print("asked for " .. question)
cfiber.resume(query, 42)
