-- run.lua: runs the rows of the matrix in parallel, prints and writes the table
--
-- The full form takes an hour and more; of all rows it writes the table into the README.
-- The short one is for CI. Logs and results are in build/matrix: see row.sh.
-- Exit status 0 when no row failed. The last line adds up the tests.
--
-- usage: FORM=full|short JOBS=2 LIMIT=minutes lua run.lua [ROW...]

local rows = dofile "spec/matrix/rows.lua"

local form = os.getenv "FORM" or "full"
local jobs = os.getenv "JOBS" or "2"
local limit = os.getenv "LIMIT" or (form == "full" and "180" or "30")

local function fail(message)
  io.stderr:write(message, "\n")
  os.exit(1)
end

if form ~= "full" and form ~= "short" then
  fail(("FORM is '%s': full or short"):format(form))
end

-- The rows with these names, or all that have a command.
local function select(names)
  local known, selected = {}, {}
  for _, row in ipairs(rows) do
    known[row.name] = row
    if #names == 0 and row.command and not (row.alone and form == "short") then
      table.insert(selected, row)
    end
  end
  for _, name in ipairs(names) do
    local row = known[name]
    if not (row and row.command) then
      local all = {}
      for _, r in ipairs(rows) do
        table.insert(all, r.command and r.name)
      end
      fail(("ROW is '%s': %s"):format(name, table.concat(all, " ")))
    end
    table.insert(selected, row)
  end
  return selected
end

local function run(selected)
  assert(os.execute "mkdir -p build/matrix")
  local pipe = assert(io.popen(("FORM=%s LIMIT=%s xargs -P %s -L 1 spec/matrix/row.sh"):format(form, limit, jobs), "w"))
  for _, row in ipairs(selected) do
    pipe:write(row.name, " sh -c '", row.command, "'\n")
  end
  pipe:close()
end

-- What row.sh left: how, minutes, why, and the counts passed, failed, skipped.
local function result(row)
  local file <close> = assert(io.open("build/matrix/" .. row.name .. ".result"))
  local how, seconds, why = file:read "a":match "^(%a+) (%d+)\n(.-)\n$"
  local passed, failed, skipped = why:match "^(%d+) passed, (%d+) failed, (%d+) skipped"
  return {
    how = how,
    minutes = ("%.0f"):format(seconds / 60),
    why = why,
    passed = tonumber(passed) or 0,
    failed = how == "failed" and math.max(tonumber(failed) or 0, 1) or 0,
    skipped = tonumber(skipped) or 0,
  }
end

local function print_table(selected)
  local sum = {passed = 0, failed = 0, skipped = 0}
  print()
  for _, row in ipairs(selected) do
    local r = row.result
    print(("%-10s %-8s %4s min  %s"):format(row.name, r.how, r.minutes, r.why))
    for key in pairs(sum) do
      sum[key] = sum[key] + r[key]
    end
  end
  print(("\n%d passed, %d failed, %d skipped"):format(sum.passed, sum.failed, sum.skipped))
  return sum.failed == 0
end

-- The README's words for a row.
local function words(row)
  local r = row.result
  if not r then
    return "by reading, not run"
  elseif r.how == "skipped" then
    return "not run: " .. r.why
  elseif r.how == "failed" then
    return "fails: " .. r.why
  elseif row.says == "compiled only" then
    return row.says
  end
  return ("tested in CI%s; in full %s"):format(row.says and ": " .. row.says or "", r.why:gsub(", 0 failed", ""))
end

local function write_readme()
  local lines = {"| platform | switch | |", "|---|---|---|"}
  for _, row in ipairs(rows) do
    table.insert(lines, ("| %s | %s | %s |"):format(row.platform, row.switch, words(row)))
  end
  local file = assert(io.open "README.md")
  local text = file:read "a"
  file:close()
  local from, to = text:match "\n<!%-%- make matrix %-%->\n\n().-()\n\n<!%-%- end %-%->\n"
  file = assert(io.open("README.md", "w"))
  file:write(text:sub(1, from - 1), table.concat(lines, "\n"), text:sub(to))
  file:close()
end

local selected = select(arg)
run(selected)
for _, row in ipairs(selected) do
  row.result = result(row)
end
if form == "full" and #arg == 0 then
  write_readme()
end
os.exit(print_table(selected))
