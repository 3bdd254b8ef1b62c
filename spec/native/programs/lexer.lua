-- lexer.lua: a parser that pulls tokens out of a lexer
local function lexer(text)
  return coroutine.wrap(function()
    local at = 1
    while at <= #text do
      local kind, after
      for name, pattern in pairs {number = "^%d+%.?%d*()", name = "^%a+()", symbol = "^[-+*/%^()=]()"} do
        local stop = text:match(pattern, at)
        if stop then
          kind, after = name, stop
        end
      end
      if kind then
        coroutine.yield(kind, text:sub(at, after - 1), at)
      else
        after = text:match("^%s+()", at)
        if not after then
          error(("strange '%s' at %d"):format(text:sub(at, at), at), 0)
        end
      end
      at = after
    end
    coroutine.yield("end", "end", at)
  end)
end

local variables = {pi = 3}

local function parser(text)
  local tokens = lexer(text)
  local kind, value, at = tokens()
  local self = {}

  local function advance()
    local previous = value
    kind, value, at = tokens()
    return previous
  end

  local function expect(symbol)
    if value ~= symbol then
      error(("'%s' expected near '%s' at %d"):format(symbol, value, at), 0)
    end
    advance()
  end

  function self.atom()
    if kind == "number" then
      return tonumber(advance())
    elseif kind == "name" then
      return variables[advance()] or 0
    end
    expect "("
    local result = self.sum()
    expect ")"
    return result
  end

  function self.power()
    local base = self.atom()
    if value == "^" then
      advance()
      return base ^ self.power()
    end
    return base
  end

  function self.product()
    local result = self.power()
    while value == "*" or value == "/" do
      if advance() == "*" then
        result = result * self.power()
      else
        result = result / self.power()
      end
    end
    return result
  end

  function self.sum()
    local result = self.product()
    while value == "+" or value == "-" do
      if advance() == "+" then
        result = result + self.product()
      else
        result = result - self.product()
      end
    end
    return result
  end

  function self.statement()
    local result = self.sum()
    expect "end"
    return result
  end

  return self
end

for _, text in ipairs {"1+2*3", "(1+2)*3", "2^3^2", "pi*10 - 4/8", "1 + ", "(2", "3 $ 4", "7 7", ""} do
  print(text, pcall(function() return parser(text).statement() end))
end
