-- game_spec.lua: the host that 'make game' runs, without a display, in child
-- processes

local child = require "child"
local helper = require "helper"

if helper.mode ~= "plain" or helper.cfiber.stats().switch == "ucontext" then
  return  -- the host has a Lua state of its own: one mode and one build will do
end

local quote = child.quote
local village = package.searchpath("cfiber", package.cpath):match "^.*/" .. "game/village"
local scripts = "spec/examples/game/scripts"

local function readall(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local function writeall(path, text)
  local file <close> = assert(io.open(path, "wb"))
  file:write(text)
end

local isbuilt = io.open(village)
if isbuilt then
  isbuilt:close()
end

-- Defines a test that is skipped where the host could not be built.
local function case(name, body)
  it(name, isbuilt and body or function()
    pending "SDL2 or libpng is not installed"
  end)
end

describe("The game", function()
  local top

  before_each(function()
    top = os.tmpname()
    os.remove(top)
    assert(os.execute("mkdir " .. top))
  end)

  after_each(function()
    os.execute("rm -r " .. top)
  end)

  local function run(options, ...)
    return child.shell(("exec %s %s"):format(quote(village), options:format(...)))
  end

  -- Plays so many frames of the scripts in a directory; returns the log and
  -- what went to stderr.
  local function play(directory, frames, options)
    local r = run("--headless --scripts %s --frames %d --log - %s", quote(directory), frames, options or "")
    assert(r.status == 0, r.errors)
    return r.output, r.errors
  end

  -- The same for scripts that a table names; 'village' may be left out where
  -- there is one other.
  local function perform(texts, frames, options)
    texts.village = texts.village or "spawn {name = 'a', script = 'a', x = 10, y = 20}"
    for name, text in pairs(texts) do
      writeall(top .. "/" .. name .. ".lua", "local top <const> = '" .. top .. "' " .. text)
    end
    return play(top, frames or 100, options)
  end

  -- Some actor's lines of a log, without the one for its end.
  local function linesof(log, name)
    local lines = {}
    for frame, actor, text in log:gmatch "(%d+) (%S+) ([^\n]+)" do
      if actor == name and not text:find "^is at" then
        lines[#lines + 1] = frame .. " " .. text
      end
    end
    return lines
  end

  -- An actor that runs this text logs these lines after the one for its coming.
  local function acts(text, expected, frames, options)
    local log, errors = perform({a = text}, frames, options)
    assert.equal("", errors)
    assert.same({"0 comes", table.unpack(expected)}, linesof(log, "a"))
    return log
  end

  describe("with its own scripts", function()
    case("does the same each time, in its log and in its picture", function()
      local png, other = top .. "/a.png", top .. "/b.png"
      local log = play(scripts, 300, "--png " .. png)
      assert.equal(log, (play(scripts, 300, "--png " .. other)))
      assert.is_true(readall(png) == readall(other))
    end)

    case("does something else for another seed", function()
      assert.not_equal(play(scripts, 300), (play(scripts, 300, "--seed 2")))
    end)

    case("writes a picture with something on it", function()
      local png = top .. "/village.png"
      play(scripts, 100, "--png " .. png)
      local text = readall(png)
      assert.equal("\x89PNG\r\n\x1A\n", text:sub(1, 8))
      assert.equal((">I4I4"):pack(1120, 630), text:sub(17, 24))
      assert.is_true(#text > 100000)
    end)

    case("goes on around a guard who loops for ever, as if he slept", function()
      assert(os.execute(("cp %s/*.lua %s"):format(scripts, top)))
      local looping = play(scripts, 400)
      local guard = readall(scripts .. "/guard.lua")
      writeall(top .. "/guard.lua", (guard:gsub("sheep = sheep %+ 1", "wait(1)")))
      local sleeping = play(top, 400)
      assert.match("400 guard is at [%d. ]+ after 26%d frames and 13%d preemptions\n", looping)
      assert.match("400 guard is at [%d. ]+ after 400 frames and 0 preemptions\n", sleeping)
      local function others(log)
        return (log:gsub("%d+ guard [^\n]*\n", ""))
      end
      assert.equal(others(sleeping), others(looping))
    end)

    case("shows where the scholar's script fails, below gsub", function()
      local _, errors = play(scripts, 300)
      assert.match("scholar: scholar.lua:%d+: attempt to index a nil value %(field 'notes'%)\n.*"
        .. "%[C%]: " .. helper.called "string.gsub", errors)
    end)

    case("has nothing mounted at the end", function()
      assert.match("\n300 %- 0 fibers are mounted, 0 suspended\n$", (play(scripts, 300)))
    end)
  end)

  describe("with the script in the README", function()
    case("sorts by walking, and closes the script that loops for ever", function()
      local text = readall "README.md":match "\n## In a game\n.-```lua\n(.-)```"
      local log, errors = perform({a = text}, 600, "--reload 590")
      assert.equal("", errors)
      local lines = table.concat(linesof(log, "a"), "\n")
      assert.match("^0 comes\n0 says what have we got%?\n%d+ reaches [^!]*%d+ says try the apples!\n%d+ is preempted\n"
        .. "590 says good night\n590 says what have we got%?\n600 says good night$", lines)
    end)
  end)

  describe("offers walk_to, which", function()
    case("takes the time that the way takes", function()
      acts("walk_to(109, 20) walk_to(109, 69)", {"118 reaches 109.0 20.0", "176 reaches 109.0 69.0", "176 ends"}, 200)
    end)

    case("checks its arguments", function()
      local log = perform {a = "walk_to(0, 'far')"}
      assert.match("fails: a.lua:1: bad argument #2 to 'walk_to' %(number expected, got string%)", log)
      assert.match("bad argument #1 to 'walk_to' %(too far away%)", (perform {a = "walk_to(0/0, 0)"}))
    end)
  end)

  describe("offers say, which", function()
    case("takes the time that one reads", function()
      acts("say 'hello' note(now())", {"0 says hello", "87 notes 1.45", "87 ends"})
    end)

    case("returns at once where the script is being closed", function()
      local log = acts("local _ <close> = setmetatable({}, {__close = function() say 'bye' end}) wait(9)",
        {"10 says bye"}, 10)
      assert.match("\n10 %- 0 fibers are mounted", log)
    end)
  end)

  describe("offers wait, which", function()
    case("waits below sort, gsub and a metamethod", function()
      acts([[
        local t = setmetatable({}, {__index = function(_, key) wait(key / 60) return key end})
        note(t[3])
        table.sort({1, 2}, function(a, b) wait(2 / 60) return a < b end)
        note(now() * 60)
        string.gsub("ab", ".", function() wait(5 / 60) end)
        note(now() * 60)]], {"3 notes 3", "5 notes 5.0", "15 notes 15.0", "15 ends"})
    end)

    case("suspends the actor from inside generators, which go on", function()
      acts([[
        local cfiber = require "cfiber"
        for i in coroutine.wrap(function() for i = 1, 2 do wait(0.1) coroutine.yield(i) end end) do note(i) end
        for i in cfiber.iter(function() for i = 3, 4 do wait(0.1) cfiber.yield(i) end end) do note(i) end
        for i in coroutine.wrap(cfiber.wrap(function() wait(0.1) cfiber.yield(5) end)) do note(i) break end]],
        {"6 notes 1", "12 notes 2", "18 notes 3", "24 notes 4", "30 notes 5", "30 ends"})
    end)
  end)

  describe("offers pick, which", function()
    case("finds the best, a look in each frame", function()
      acts("note(pick({2, 5, 1, 4}, function(a, b) return a > b end))", {"3 notes 5", "3 ends"})
      acts("note(pick({}, print))", {"0 notes nil", "0 ends"})
    end)

    case("waits for a comparator that walks, itself inside a comparator", function()
      acts([[
        local function nearer(a, b)
          walk_to(10 + a, 20)
          return a < b
        end
        local list = {3, 1, 2}
        table.sort(list, function(a, b) return a ~= b and pick({a, b}, nearer) == a end)
        note(table.concat(list, " "))]], {"3 reaches 13.0 20.0", "5 reaches 12.0 20.0", "6 notes 1 2 3", "6 ends"})
    end)
  end)

  describe("slices time, so that", function()
    case("a loop below a C function is preempted, too", function()
      local log = perform({
        village = "for _, name in ipairs {'a', 'b', 'c', 'd'} do spawn {name = name, script = name} end",
        a = "table.sort({1, 2}, function() while true do end end)",
        b = "string.gsub('x', 'x', function() while true do end end)",
        c = "local _ = setmetatable({}, {__index = function() while true do end end}).x",
        d = "coroutine.wrap(function() pcall(function() while true do end end) end)()",
      }, 50, "--budget 1000")
      for name in ("abcd"):gmatch "." do
        assert.match("\n50 " .. name .. " is at 0.0 0.0 after 0 frames and 50 preemptions\n", log)
      end
    end)

    case("work that is longer than a budget is done in some frames", function()
      local log = acts("local n = 0 for i = 1, 100000 do n = n + i end note(n)",
        {"0 is preempted", "10 notes 5000050000", "10 ends"})
      assert.match("after 1 frames and 10 preemptions\n", log)
    end)
  end)

  describe("takes up a changed script, and", function()
    -- A script that replaces the text of 'a' in frame 10.
    local function editor(text)
      return {
        village = "spawn {name = 'a', script = 'a', x = 5} wait(9 / 60) local f <close> = io.open(top .. '/a.lua', 'w') "
          .. "f:write [==[" .. text .. "]==]",
        a = [[
          local _ <close> = setmetatable({}, {__close = function() note "closed" end})
          self.kept = "kept"
          walk_to(20, 0)
          while true do
            string.gsub("x", "x", function() wait(1 / 60) end)
          end]],
      }
    end

    case("runs it with the actor's place and table, after closing the former one", function()
      local log, errors = perform(editor "note(self.kept) note(position()) note 'new'", 40)
      assert.equal("", errors)
      assert.same({"0 comes", "15 notes closed", "15 notes kept", "15 notes 17.5", "15 notes new", "15 ends"},
        linesof(log, "a"))
      assert.match("\n40 %- 0 fibers are mounted", log)
    end)

    case("lets the former one go on where the new one cannot be loaded", function()
      local log, errors = perform(editor "x =", 70)
      assert.equal("a.lua:1: unexpected symbol near <eof>; the former script goes on\n", errors)
      assert.same({"0 comes", "17 reaches 20.0 0.0", "70 notes closed"}, linesof(log, "a"))
    end)

    case("starts all scripts anew when it is told to", function()
      local log = perform({
        a = "self.n = (self.n or 0) + 1 note(self.n) "
          .. "local _ <close> = setmetatable({}, {__close = function() note 'closed' end}) wait(9)",
      }, 40, "--reload 20")
      assert.same({"0 comes", "0 notes 1", "20 notes closed", "20 notes 2", "40 notes closed"}, linesof(log, "a"))
    end)

    case("tells of an error in a <close> variable", function()
      local log, errors = perform({
        a = "local _ <close> = setmetatable({}, {__close = function() error 'stuck' end}) if now() < 0.1 then wait(9) end",
      }, 40, "--reload 20")
      assert.match("\n20 a fails in a <close> variable: a.lua:1: stuck\n", log)
      assert.match("^a, closing: a.lua:1: stuck\na: a.lua:1: stuck\nstack traceback:", errors)
    end)
  end)

  describe("survives a script that fails, and", function()
    case("runs its <close> variables, while the others go on", function()
      local log, errors = perform({
        village = "spawn {name = 'a', script = 'a'} spawn {name = 'b', script = 'b', x = 0, y = 0}",
        a = "local _ <close> = setmetatable({}, {__close = function() note 'closed' end}) wait(0.1) error 'no'",
        b = "walk_to(49, 0)",
      })
      assert.same({"0 comes", "6 fails: a.lua:1: no", "6 notes closed"}, linesof(log, "a"))
      assert.match("\n58 b reaches 49.0 0.0\n", log)
      assert.match("^a: a.lua:1: no\nstack traceback:\n%s*%[C%]: " .. helper.called "error" .. "\n", errors)
    end)

    case("takes errors that are no strings", function()
      local log = perform {a = "error(setmetatable({}, {__tostring = function() error 'odd' end}))"}
      assert.match("\n0 a fails: %(error object is a table value%)\n", log)
      assert.match("\n0 a fails: 7\n", (perform {a = "error(7)"}))
    end)

    case("a script that cannot be loaded, or is not there", function()
      assert.match("\n0 a fails: a.lua:1: syntax error near <eof>\n", (perform {a = "x"}))
      assert.match("\n0 village fails: village.lua:1: there is no script [^\n]*/none.lua\n",
        (perform {village = "spawn {name = 'x', script = 'none'}"}))
    end)
  end)

  describe("has options, of which", function()
    case("--help lists them", function()
      local r = run "--help"
      assert.same({0, ""}, {r.status, r.errors})
      assert.match("^usage: village %[options%]\n.*%-%-frames N", r.output)
    end)

    case("wrong ones end with a message", function()
      local function fails(options, message)
        local r = run(options)
        assert.same({1, "", "village: " .. message .. "\n"}, {r.status, r.output, r.errors})
      end
      fails("--what 1", "--what: no such option, or its value is missing")
      fails("--frames", "--frames: no such option, or its value is missing")
      fails("--frames 1x", "--frames: not a number, or out of range")
      fails("--frames 0", "--frames: not a number, or out of range")
      fails("--headless", "--headless: it would not end without --frames")
      fails("--headless --frames 1 --log /", "/: cannot be written")
      fails("--headless --frames 1 --scripts /none", "stopped: there is no script /none/village.lua")
      fails("--headless --frames 1 --png /none/x.png", "/none/x.png: No such file or directory")
    end)
  end)
end)
