-- joblist.lua: what a file of jobs returns
-- Returns an empty list and the function that adds to it: job(name, run, more),
-- where 'more' has further fields.

return function()
  local jobs = {}
  return jobs, function(name, run, more)
    more = more or {}
    more.name, more.run = name, run
    jobs[#jobs + 1] = more
  end
end
