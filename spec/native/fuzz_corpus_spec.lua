-- fuzz_corpus_spec.lua: the inputs that the fuzzers found worth keeping (see
-- spec/fuzz), in this build

local building = require "building"
local child = require "child"
local helper = require "helper"

if helper.mode ~= "plain" then
  return  -- an input says what the limits are
end

local place = assert(package.cpath:match "([^;]*)/spec/%?%.so") .. "/fuzz/"

local function case(name, fuzzer)
  it(name, function()
    local there = io.open(place .. fuzzer)
    if not there then
      pending "there is no library of Lua to link with"
      return
    end
    there:close()
    local output = building.check({}, ("%s spec/fuzz/corpus/%s/* 2>&1"):format(child.quote(place .. fuzzer), fuzzer))
    assert.match("\n%d+ inputs\n$", output)
  end)
end

describe("The fuzzers' inputs do no harm", function()
  case("to the functions of cfiber", "arguments")
  case("to the layers below Lua", "layers")
end)
