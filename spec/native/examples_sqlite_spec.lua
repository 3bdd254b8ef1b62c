-- examples_sqlite_spec.lua: SQLite with functions and a progress handler that
-- yield

local child = require "child"
local example = require "example"
local helper = require "helper"
local cfiber = helper.cfiber

local sqlite, case = example.open("sqlite", "sqlite3")

local numbers = "with recursive c(x) as (select 1 union all select x + 1 from c where x < ?) "

local function memory()
  return sqlite.open ":memory:"
end

-- The first row of a query.
local function first(db, ...)
  local next, _, _, _ <close> = db:rows(...)
  return next()
end

-- A connection where SQL has wait(x): yields x, returns what it is resumed with.
local function waiting(name)
  local db = sqlite.open(name or ":memory:")
  db:define("wait", cfiber.yield)
  return db
end

-- A fiber in the middle of a query of 'db'.
local function inside(db, sql)
  local co = cfiber.create(function()
    return first(db, sql or "select wait(1) as x")
  end)
  assert.same({true, 1}, {cfiber.resume(co)})
  return co
end

local function fails(message, f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  assert.match(message, err)
end

local function works(db)
  assert.same({one = 1}, first(db, "select 1 as one"))
end

describe("The example sqlite", function()
  case("passes values of each type both ways", function()
    local db <close> = memory()
    local values = {a = 1, b = 2.5, c = "x\0y", d = math.mininteger, e = ""}
    assert.same(values, first(db, "select ? as a, ? as b, ? as c, ? as d, ? as e", 1, 2.5, "x\0y", math.mininteger, ""))
    assert.same({yes = 1, no = 0}, first(db, "select ? as yes, ? as no, ? as void", true, false, nil))
    db:define("same", function(x)
      return x
    end)
    assert.same(values, first(db, "select same(?) as a, same(?) as b, same(?) as c, same(?) as d, same(?) as e",
      1, 2.5, "x\0y", math.mininteger, ""))
    assert.same({}, first(db, "select same(null) as x"))
  end)

  case("iterates over the rows, in as many loops as one likes", function()
    local db <close> = memory()
    db:exec "create table t (x)"
    for i = 1, 3 do
      db:exec("insert into t values (?)", i)
    end
    local pairs = {}
    for outer in db:rows "select x from t" do
      for inner in db:rows("select x from t where x > ?", outer.x) do
        pairs[#pairs + 1] = outer.x .. inner.x
      end
    end
    assert.same({"12", "13", "23"}, pairs)
  end)

  case("runs a query to its end by exec", function()
    local db <close> = memory()
    local n = 0
    db:define("count", function()
      n = n + 1
    end)
    db:exec(numbers .. "select count() from c", 100)
    assert.equal(100, n)
  end)

  case("yields rows while a function in Lua waits", function()
    local db <close> = waiting()
    local co = cfiber.create(function()
      for row in db:rows(numbers .. "select x, wait(x) as answer from c", 3) do
        cfiber.yield(row.x .. row.answer)
      end
    end)
    local _, value = cfiber.resume(co)
    for i = 1, 3 do
      assert.equal(i, value)
      assert.same({true, i .. "a"}, {cfiber.resume(co, "a")})
      value = select(2, cfiber.resume(co))
    end
    assert.equal("dead", cfiber.status(co))
  end)

  case("waits in the middle of a sort of SQLite's", function()
    local db <close> = waiting()
    local co = cfiber.wrap(function()
      local list = {}
      for row in db:rows(numbers .. "select x from c order by wait(x)", 5) do
        list[#list + 1] = row.x
      end
      return list
    end)
    local x = co()
    while type(x) == "number" do
      x = co(-x)
    end
    assert.same({5, 4, 3, 2, 1}, x)
  end)

  case("runs two queries side by side on two connections", function()
    local events = {}
    local function query(name, n)
      return cfiber.create(function()
        local db <close> = memory()
        db:progress(1000, function()
          events[#events + 1] = name
          cfiber.yield()
        end)
        local row = first(db, numbers .. "select sum(x) as sum from c", n)
        events[#events + 1] = name .. row.sum
      end)
    end
    local a, b = query("a", 300), query("b", 300)
    while cfiber.status(a) == "suspended" do
      assert(cfiber.resume(a))
      assert(cfiber.resume(b))
    end
    assert.equal("dead", cfiber.status(b))
    for i = 1, #events - 3, 2 do
      assert.same({"a", "b"}, {events[i], events[i + 1]})
    end
    assert(#events > 6)
    assert.same({"a45150", "b45150"}, {events[#events - 1], events[#events]})
  end)

  case("interrupts a query whose progress handler says so", function()
    local db <close> = memory()
    db:progress(100, function()
      return true
    end)
    fails("^interrupted$", db.exec, db, numbers .. "select count(*) from c", 1000)
  end)

  case("raises the error of the progress handler, with its position", function()
    local db <close> = memory()
    db:progress(100, function()
      error "enough"
    end)
    fails("examples_sqlite_spec.lua:%d+: enough$", db.exec, db, numbers .. "select count(*) from c", 1000)
  end)

  case("makes the error of a function one of SQL, and that one of Lua", function()
    local db <close> = memory()
    db:define("fail", error)
    db:exec "create table t (x)"
    fails("^no good$", db.exec, db, "insert into t values (1), (fail('no good'))")
    assert.same({n = 0}, first(db, "select count(*) as n from t"))
    db:define("fail", function()
      error {}
    end)
    fails("^%(the error is a table%)$", db.exec, db, "select fail()")
    db:define("fail", function()
      return {}
    end)
    fails("^a function in Lua returned no value of SQL$", db.exec, db, "select fail()")
  end)

  case("fails a query by what is thrown into its function", function()
    local db <close> = waiting()
    assert.same({false, "thrown"}, {cfiber.throw(inside(db), "thrown")})
    works(db)
  end)

  case("ends a query whose fiber is closed inside a function", function()
    local db <close> = waiting()
    assert.is_true(cfiber.close(inside(db)))
    works(db)
  end)

  case("ends a query whose fiber is closed inside the progress handler", function()
    local db <close> = memory()
    db:progress(100, function()
      cfiber.yield(1)
    end)
    local co = cfiber.create(db.exec)
    assert.same({true, 1}, {cfiber.resume(co, db, numbers .. "select count(*) from c", 1000)})
    assert.is_true(cfiber.close(co))
    works(db)
  end)

  case("ends a query whose fiber is collected", function()
    local db <close> = waiting()
    inside(db)
    for _ = 1, 4 do
      collectgarbage()
    end
    works(db)
  end)

  case("ends a query whose fiber is collected where C++ is loaded, too", function()
    if not package.searchpath("cxx", package.cpath) then
      pending "there is no C++ compiler"
    end
    local r = child.bare [[
      local cfiber, sqlite = require "cfiber", require "sqlite"
      require "cxx"
      local db <close> = sqlite.open ":memory:"
      db:define("wait", cfiber.yield)
      cfiber.resume(cfiber.create(function()
        for _ in db:rows "select wait(1)" do end
      end))
      for _ = 1, 4 do collectgarbage() end
      for row in db:rows "select 1 as one" do print(row.one) end
    ]]
    assert.equal("1\n", r.output, r.errors)
  end)

  case("ends a query whose fiber exits inside a function", function()
    local db <close> = memory()
    db:define("exit", cfiber.exit)
    assert.same({true, 7}, {cfiber.resume(cfiber.create(first), db, "select exit(7)")})
    works(db)
  end)

  case("goes along where a fiber around the query is suspended, and closed", function()
    local db <close> = memory()
    local co
    db:define("leave", function(x)
      return cfiber.suspend(co, x)
    end)
    co = cfiber.create(function()
      return cfiber.wrap(first)(db, "select leave(1) + leave(2) as sum").sum
    end)
    assert.same({true, 1}, {cfiber.resume(co)})
    assert.same({true, 2}, {cfiber.resume(co, 10)})
    assert.same({true, 30}, {cfiber.resume(co, 20)})
    co = cfiber.create(function()
      cfiber.wrap(first)(db, "select leave(1)")
    end)
    cfiber.resume(co)
    assert.is_true(cfiber.close(co))
    works(db)
  end)

  case("finalizes the statement of a loop that is left", function()
    local name = os.tmpname()
    local db <close> = waiting(name)
    db:exec "create table t (x)"
    for row in db:rows(numbers .. "select x from c", 3) do
      if row.x == 2 then
        break
      end
    end
    local co = inside(db, "insert into t select wait(1) returning x")  -- holds the lock to write
    local other <close> = sqlite.open(name)
    fails("database is locked", other.exec, other, "insert into t values (2)")
    cfiber.close(co)
    other:exec "insert into t values (2)"
    assert.same({n = 1, x = 2}, first(db, "select count(*) as n, x from t"))
    os.remove(name)
  end)

  case("serves one query at a time in the middle of a step", function()
    local db <close> = waiting()
    local co = inside(db)
    fails("the connection is in the middle of a query", db.rows, db, "select 1")
    fails("the connection is in the middle of a query", db.exec, db, "select 1")
    fails("the connection is in the middle of a query", db.close, db)
    assert.same({true, {x = 5}}, {cfiber.resume(co, 5)})
    works(db)
  end)

  case("refuses the next row while another query is in the middle of a step", function()
    local db <close> = waiting()
    local next, _, _, _ <close> = db:rows(numbers .. "select x from c", 3)
    assert.same({x = 1}, next())
    local co = inside(db)
    fails("the connection is in the middle of a query", next)
    cfiber.close(co)
    assert.same({x = 2}, next())
  end)

  case("finishes the loops over a connection that is closed", function()
    local db = memory()
    local n = 0
    for row in db:rows(numbers .. "select x from c", 3) do
      db:close()
      n = n + row.x
    end
    assert.equal(6, n)
    fails("the connection is closed", db.rows, db, "select 1")
    db:close()
  end)

  case("ends with its Lua state in the middle of queries", function()
    assert.equal("1\n", require "child".output [[
      local sqlite = require "sqlite"
      local db = sqlite.open ":memory:"
      db:define("wait", cfiber.yield)
      next, _, _, guard = db:rows "select 1"
      query = cfiber.wrap(db.exec)
      print(query(db, "select wait(1)"))]])
  end)

  case("says what is wrong with the SQL", function()
    local db <close> = memory()
    fails("near \"selec\": syntax error", db.rows, db, "selec")
    fails("more than one statement", db.rows, db, "select 1; select 2")
    fails("no such function: none", db.rows, db, "select none()")
    fails("1 parameters and 0 values", db.rows, db, "select ?")
    fails("0 parameters and 1 values", db.rows, db, "select 1", 1)
    assert.is_nil(first(db, " ;"))
    assert.is_nil(first(db, ""))
  end)

  case("says what is wrong with its arguments", function()
    local db <close> = memory()
    fails("bad argument #1 to '.-' %(string expected, got no value%)", sqlite.open)
    fails("unable to open database file", sqlite.open, "/nowhere/at/all")
    fails("sqlite connection expected, got number", db.rows, 1, "select 1")
    fails("bad argument #2 to '.-' %(contains a zero%)", db.rows, db, "select 1\0")
    fails("bad argument #3 to '.-' %(value of SQL expected, got table%)", db.rows, db, "select ?", {})
    fails("bad argument #3 to '.-' %(function expected", db.define, db, "f")
    fails("bad argument #2 to '.-' %(out of range%)", db.progress, db, 0, print)
    fails("bad argument #2 to '.-' %(out of range%)", db.progress, db, 1 << 31, print)
    fails("bad argument #3 to '.-' %(function expected", db.progress, db, 1, 1)
    fails("bad argument #2 to '.-' %(too long%)", db.define, db, ("f"):rep(300), print)
  end)

  case("comes with a program that shows it", function()
    local text = example.output "sqlite"
    assert.match("^the long query is at work\nthe short one is at work\n", text)
    assert.match("\nthe short one has 15000 rows, their sum is 112507500\n.*the long query has 30000 rows, their sum "
      .. "is 450015000\nasked for your name\nasked for the answer\nAda says 42\n$", text)
  end)
end)
