package redisstore

import "github.com/redis/go-redis/v9"

// A message's value is "claim:" attempt while it is being answered, with the lease
// as its expiry, and "done:" attempt ":" record afterwards. Attempts hold no colon.

// beginScript claims the message and loads the session.
//
// KEYS: session [, message]. ARGV: attempt, lease in milliseconds.
// Returns who may answer (mine, running, answered), the record, the session.
// What has another form is not ours, or is damaged, and counts as absent.
var beginScript = redis.NewScript(`
local session = redis.pcall('GET', KEYS[1])
if type(session) ~= 'string' then session = '' end
if #KEYS == 1 then return {'mine', '', session} end
local value = redis.pcall('GET', KEYS[2])
if type(value) == 'string' then
  if value:sub(1, 5) == 'done:' then
    local colon = value:find(':', 6, true)
    if colon then return {'answered', value:sub(colon + 1), session} end
  elseif value:sub(1, 6) == 'claim:' and value:sub(7) ~= ARGV[1] then
    return {'running', '', session}
  end
end
redis.call('SET', KEYS[2], 'claim:' .. ARGV[1], 'PX', ARGV[2])
return {'mine', '', session}
`)

// commitScript saves the session and marks the message answered, both or neither.
//
// KEYS: session [, message]. ARGV: attempt, version loaded, session or "" to forget,
// life of the session, record, life of the record (milliseconds).
// A lease that ran out while nobody else took over does no harm; a commit said
// again by the same attempt (its answer was lost) is a success.
var commitScript = redis.NewScript(`
if #KEYS == 2 then
  local value = redis.pcall('GET', KEYS[2])
  if type(value) == 'string' then
    if value:sub(1, 5) == 'done:' then
      if value:sub(6, 6 + #ARGV[1]) == ARGV[1] .. ':' then return 'ok' end
      return 'lost'
    end
    if value:sub(1, 6) == 'claim:' and value:sub(7) ~= ARGV[1] then return 'lost' end
  end
end
local session = redis.pcall('GET', KEYS[1])
local version = '0'
if type(session) == 'string' then version = session:match('^(%d+):') or '0' end
if #version > 15 then version = '0' end -- no version of ours: beyond what numbers here hold
version = string.format('%.0f', tonumber(version))
if version ~= ARGV[2] then return 'stale' end
if ARGV[3] == '' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4]) end
if #KEYS == 2 then redis.call('SET', KEYS[2], 'done:' .. ARGV[1] .. ':' .. ARGV[5], 'PX', ARGV[6]) end
return 'ok'
`)

// dropScript removes a token only if it is still that one.
var dropScript = redis.NewScript(`
local value = redis.call('GET', KEYS[1])
if value and value:match('^%d+:(.*)$') == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 0
`)
