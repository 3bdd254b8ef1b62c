-- run.lua: runs rows of the matrix in parallel, prints and writes the table
--
-- The full form takes hours, the short one half of one. Logs and results are in
-- build/matrix: see row.sh. The table for the README is build/matrix/table.md, of all
-- rows, each as it was run last. Exit status 0 when no row failed. The last line adds
-- up the tests.
--
-- usage: FORM=full|short JOBS=rows at once LIMIT=minutes lua run.lua [ROW...]

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
elseif not jobs:find "^[1-9]%d*$" then
  fail(("JOBS is '%s': how many rows at once"):format(jobs))
elseif not limit:find "^[1-9]%d*$" then
  fail(("LIMIT is '%s': minutes for each row"):format(limit))
end

-- The rows with these names, or all that have a command.
local function choose(names)
  local known, selected = {}, {}
  for _, row in ipairs(rows) do
    known[row.name] = row
    if #names == 0 and row.command and not (form == "short" and row.test) then
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

local function resultname(row)
  return "build/matrix/" .. row.name .. ".result"
end

local function run(selected)
  assert(os.execute "mkdir -p build/matrix")
  for _, row in ipairs(selected) do
    os.remove(resultname(row))
  end
  local pipe = assert(io.popen(("FORM=%s LIMIT=%s xargs -P %s -L 1 spec/matrix/row.sh"):format(form, limit, jobs), "w"))
  for _, row in ipairs(selected) do
    pipe:write(row.name, " sh -c '", row.command, "'\n")
  end
  pipe:close()
end

-- What row.sh left: how, form, minutes, why, and the counts passed, failed, skipped; or
-- nil where the row did not run yet.
local function result(row)
  local file <close> = io.open(resultname(row))
  local how, seconds, ran, why = (file and file:read "a" or ""):match "^(%a+) (%d+) (%a+)\n(.-)\n$"
  if not how then
    return nil
  end
  local passed, failed, skipped = why:match "^(%d+) passed, (%d+) failed, (%d+) skipped"
  return {
    how = how,
    form = ran,
    minutes = ("%.0f"):format(seconds / 60),
    why = why,
    passed = tonumber(passed) or 0,
    failed = how == "failed" and math.max(tonumber(failed) or 0, 1) or 0,
    skipped = tonumber(skipped) or 0,
  }
end

-- What failed in a row, in few lines: they stand last, where a log is looked at first.
local function print_failures(row)
  local log <close> = io.open("build/matrix/" .. row.name .. ".log")
  local left, lines = 16, 0
  for line in log and log:lines() or next, {} do
    lines = (line:find "^Failure %->" or line:find "^Error %->" or line:find "^%[  FAILED") and 8 or lines
    if lines > 0 and left > 0 then
      lines, left = lines - 1, left - 1
      print("  " .. line)
    end
  end
end

local function print_table(selected)
  local sum = {passed = 0, failed = 0, skipped = 0}
  print()
  for _, row in ipairs(selected) do
    local r = result(row) or {how = "failed", minutes = 0, why = "did not run", passed = 0, failed = 1, skipped = 0}
    print(("%-10s %-8s %4s min  %s"):format(row.name, r.how, r.minutes, r.why))
    if r.failed > 0 then
      print_failures(row)
    end
    for key in pairs(sum) do
      sum[key] = sum[key] + r[key]
    end
  end
  print(("\n%d passed, %d failed, %d skipped"):format(sum.passed, sum.failed, sum.skipped))
  return sum.failed == 0
end

-- The README's words for a row.
local function words(row)
  if not row.command then
    return "by reading, not run"
  end
  local r = result(row)
  if not r or r.how == "skipped" and row.known then
    return row.known or "not run"
  elseif r.how == "skipped" then
    return "not run: " .. r.why
  end
  if row.compiled and r.how == "passed" then
    return ("in CI: compiled only, %d checks"):format(r.passed)
  end
  local whole = row.what or "whole suite"
  local short = row.short or whole
  local counts = r.why:gsub(", 0 failed", ""):gsub(", 0 skipped", "")
  if r.form == "short" or row.test or short == whole then
    return ("in CI: %s: %s"):format(r.form == "short" and short or whole, counts)
  end
  return ("%s: %s; in CI: %s"):format(whole, counts, short)
end

local function write_table()
  local file <close> = assert(io.open("build/matrix/table.md", "w"))
  file:write "| platform | switch | |\n|---|---|---|\n"
  for _, row in ipairs(rows) do
    file:write(("| %s | %s | %s |\n"):format(row.platform, row.switch, words(row)))
  end
end

local selected = choose(arg)
run(selected)
write_table()
os.exit(print_table(selected))
