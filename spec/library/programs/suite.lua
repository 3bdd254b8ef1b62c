-- suite.lua: a suite of busted that yields; ../busted_spec.lua runs it
coroutine.yield "file"

describe("yields", function()
  coroutine.yield "describe"

  setup(function() coroutine.yield "setup" end)
  before_each(function() coroutine.yield "before" end)
  after_each(function() coroutine.yield "after" end)

  it("in a test", function()
    assert.equal("answer", coroutine.yield "test")
  end)

  it("below an assertion", function()
    assert.has_error(function()
      coroutine.yield "has_error"
      error "on purpose"
    end)
  end)

  it("in a spy", function()
    local s = spy.new(coroutine.yield)
    s "spy"
    assert.spy(s).was.called_with "spy"
  end)
end)

describe("what stock coroutines are refused: yields", function()
  it("in table.sort", function()
    local list = {2, 1}
    table.sort(list, function(a, b)
      coroutine.yield "sort"
      return a < b
    end)
    assert.same({1, 2}, list)
  end)

  it("in string.gsub", function()
    assert.equal("answer answer", (string.gsub("to be", "%a+", coroutine.yield)))
  end)

  it("in require", function()
    package.preload["a module"] = coroutine.yield
    assert.equal("answer", require "a module")
  end)

  it("in __tostring below string.format", function()
    local object = setmetatable({}, {__tostring = function() return coroutine.yield "tostring" end})
    assert.equal("<answer>", ("<%s>"):format(object))
  end)

  it("in the message of a failure", function()
    assert.error_matches(function()
      assert(false, setmetatable({}, {__tostring = function() return coroutine.yield "message" end}))
    end, "answer")
  end)

  it("in a hook in string.gsub", function()
    local preempted
    debug.sethook(function()
      debug.sethook()
      preempted = coroutine.yield "hook"
    end, "", 100)
    string.gsub("spin", "s", function() repeat until preempted end)
  end)
end)
